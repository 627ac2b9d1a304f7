// Readers of the parts of a configuration that have a table of keys, one file an area: keys_<area>.cc. Each
// takes the value of its key and reports what is wrong with it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kestrel/config/draft.h"
#include "kestrel/config/key_table.h"

namespace kestrel::config {

/// Everything at the top of the file.
void read_model(Context& context, const Raw& raw, ModelDraft& draft);

/// One entry of `exec`.
[[nodiscard]] std::optional<ServiceDraft> read_service(Context& context, const Raw& raw);

/// One map, or a list of named checks.
[[nodiscard]] std::optional<std::vector<CheckDraft>> read_checks(Context& context, const Raw& raw);

/// A list of {name, value} and {name, value_from, default}, or a map from names to values.
[[nodiscard]] std::optional<std::vector<EnvironmentEntry>> read_environment(Context& context, const Raw& raw);
/// `PATH`, or `-PATH` for one that may be missing.
[[nodiscard]] std::optional<EnvironmentFile> read_environment_file(Context& context, const Raw& raw);

/// An absolute path or a bare name.
[[nodiscard]] std::optional<std::string> read_program(Context& context, const Raw& raw);
[[nodiscard]] std::optional<std::vector<std::string>> read_arguments(Context& context, const Raw& raw);
/// A hook: a program, or {command, args}.
[[nodiscard]] std::optional<Command> read_hook(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Hooks> read_service_hooks(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Hooks> read_guest_hooks(Context& context, const Raw& raw);

/// A bare policy, or a map.
[[nodiscard]] std::optional<RestartDraft> read_restart(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Stop> read_stop(Context& context, const Raw& raw);
[[nodiscard]] std::optional<OnExit> read_on_exit(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Readiness> read_readiness(Context& context, const Raw& raw);

/// Five fields or a name such as @daily, due at least once in a lifetime (base/cron.h).
[[nodiscard]] std::optional<std::string> read_cron_expression(Context& context, const Raw& raw);
/// The form of a zone's name; whether there is such a zone is for the image to say.
[[nodiscard]] std::optional<std::string> read_time_zone_name(Context& context, const Raw& raw);

[[nodiscard]] std::optional<Limits> read_limits(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Security> read_security(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Log> read_log(Context& context, const Raw& raw);

[[nodiscard]] std::optional<std::string> read_hostname(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Mount> read_mount(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Network> read_network(Context& context, const Raw& raw);
[[nodiscard]] std::optional<std::map<std::string, std::string>> read_sysctl(Context& context, const Raw& raw);

}  // namespace kestrel::config
