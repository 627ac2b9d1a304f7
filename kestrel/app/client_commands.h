// The guest's API from its own command line: `kestrel status` and its kin. Each command talks to the API's
// Unix socket, prints what it learnt, and returns the exit status:
//
//   0  done
//   1  refused (the reason is on stderr), or what was asked for is failed or unhealthy
//   2  the command line makes no sense (command_line.h)
//   3  the API cannot be reached
//
// With OutputFormat::json the API's own answers are printed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kestrel::app {

inline constexpr auto default_api_path = "/run/kestrel/api.sock";

enum class OutputFormat { table, json };

struct ClientOptions {
  std::string api_path = default_api_path;
  OutputFormat format = OutputFormat::table;
};

/// All services; one of them with its checks and its last ends.
[[nodiscard]] int show_services(const ClientOptions& options);
[[nodiscard]] int show_service(const ClientOptions& options, const std::string& name);

enum class ServiceVerb { start, stop, stop_by_force, restart };
[[nodiscard]] int change_service(const ClientOptions& options, ServiceVerb verb, const std::string& name);
[[nodiscard]] int signal_service(const ClientOptions& options, const std::string& name, int signal);

struct RecordOptions {
  bool follows = false;
  std::string service;                 ///< of logs: only its lines; empty: all
  std::optional<std::uint32_t> last;   ///< of logs: only the last so many
  std::string since;                   ///< of logs: a time, or how long ago; empty: from the first
  std::optional<std::uint64_t> after;  ///< of events: those with higher numbers
};
[[nodiscard]] int show_logs(const ClientOptions& options, const RecordOptions& records);
[[nodiscard]] int show_events(const ClientOptions& options, const RecordOptions& records);

/// Status 1 where the guest is not healthy.
[[nodiscard]] int show_health(const ClientOptions& options);
/// `action` is `shutdown` or `reboot`.
[[nodiscard]] int change_power(const ClientOptions& options, const std::string& action);

}  // namespace kestrel::app
