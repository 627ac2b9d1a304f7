// What a containment without a cgroup is made of: a session, and a mark in the environment (containment.h).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace kestrel::sys {

struct SessionScan {
  std::vector<pid_t> members;
  /// The leader's process group goes on, but whoever was seen of it is dead by now: where processes only live
  /// until they have forked, a list of them is outdated before it is read to its end.
  bool has_unseen = false;
};

/// Of our descendants those that are of the session or the process group that `leader` leads, or that have
/// `mark` in their environment. Where /proc cannot tell, -leader stands for the process group, as in kill(2).
[[nodiscard]] SessionScan scan_session(pid_t leader, std::string_view mark);

/// Differs between all containments of all supervisors on a machine, nested ones included.
[[nodiscard]] std::string new_session_mark();

}  // namespace kestrel::sys
