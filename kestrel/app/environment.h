// The environment of a process: what it inherits, who it is, and what the configuration adds.
//
// Lowest to highest: a default PATH; HOME, USER, LOGNAME and SHELL of its user; what kestrel itself inherited
// (only outside a VM, where that is the container's environment); `env` of the whole configuration; `env` of
// the service.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/config/model.h"

namespace kestrel::app {

using Environment = std::map<std::string, std::string, std::less<>>;

/// Adds the variables of a file of `NAME=VALUE` lines (the form of /etc/environment: comments, an optional
/// `export`, and quotes around a value are understood, nothing is expanded). A malformed line is an error
/// that names it.
[[nodiscard]] Result<void> read_environment_file(const config::EnvironmentFile& file, Environment& into);

/// The variables of this process, but for those that are about its own readiness and watchdog.
[[nodiscard]] Environment own_environment();

/// The two environments a guest has.
struct GuestEnvironment {
  Environment inherited;  ///< passed on to every process
  Environment vm;         ///< what `value_from: env` takes from
};

/// Adds `entries` to `into`. Values are looked up now; one that is missing and has no default is an error by
/// name.
[[nodiscard]] Result<void> add_entries(const std::vector<config::EnvironmentEntry>& entries,
                                       const GuestEnvironment& guest, Environment& into);

/// As execve wants it.
[[nodiscard]] std::vector<std::string> as_entries(const Environment& environment);

}  // namespace kestrel::app
