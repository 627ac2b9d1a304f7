// What /proc knows of the running processes: who belongs to whom.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel::sys {

struct ProcessInfo {
  pid_t pid = -1;
  pid_t parent = -1;
  pid_t group = -1;
  pid_t session = -1;
  /// Dead, its status not yet fetched by its parent.
  bool is_zombie = false;
  friend bool operator==(const ProcessInfo&, const ProcessInfo&) = default;
};

/// Reads one line of /proc/PID/stat; nullopt if it is none. The program's name in it may hold anything,
/// parentheses and spaces included (proc(5)).
[[nodiscard]] std::optional<ProcessInfo> parse_process_stat(std::string_view line);

/// Whether `proc` tells of the pids that we know. In a PID namespace of our own with the /proc of another one
/// it does not, and its numbers would be strangers.
[[nodiscard]] bool is_of_our_namespace(const std::string& proc = "/proc");

/// All processes that `proc` (normally /proc) shows. Those that end meanwhile are left out.
[[nodiscard]] std::vector<ProcessInfo> list_processes(const std::string& proc = "/proc");

/// The children of the calling thread, dead ones that have not been waited for included; nullopt where the
/// kernel does not tell (CONFIG_PROC_CHILDREN). Far cheaper than listing all processes, and exact for who is
/// the only one to wait for them.
[[nodiscard]] std::optional<std::vector<pid_t>> list_children(const std::string& proc = "/proc");

/// Those of `all` that descend from `ancestor`, itself left out.
[[nodiscard]] std::vector<ProcessInfo> descendants_of(pid_t ancestor, const std::vector<ProcessInfo>& all);

/// Whether the environment that `pid` was exec'd with holds exactly `entry` (`NAME=VALUE`). False for one
/// that is gone or may not be looked at.
[[nodiscard]] bool has_environment_entry(pid_t pid, std::string_view entry,
                                         const std::string& proc = "/proc");

}  // namespace kestrel::sys
