// `kestrel run`: the supervisor without a machine of its own, in a container, a PID namespace or as an
// ordinary process.
#pragma once

#include <optional>
#include <string>

#include "kestrel/sys/log_output.h"

namespace kestrel::app {

struct RunOptions {
  std::string config;
  std::optional<std::string> api;     ///< path of a Unix socket for the guest API
  std::optional<std::string> cgroup;  ///< a writable cgroup v2 directory to keep the services in
  sys::LogFormat log_format = sys::LogFormat::text;
  LogLevel log_level = LogLevel::info;
};

/// Runs until everything has ended or SIGTERM, SIGINT or SIGPWR asks for the end. Returns the exit status:
/// that of the batch, 0 after a signal, 78 for a bad configuration, 1 if something it needs cannot be had.
[[nodiscard]] int run_services(const RunOptions& options);

}  // namespace kestrel::app
