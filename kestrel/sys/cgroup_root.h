// Where the cgroups of services are, and the supervisor's own beside them.
#pragma once

#include <string>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// When the supervisor leaves the cgroup it was started in. Below the root of all cgroups it has to at once:
/// others hand no controllers down while they have members (cgroups(7), "no internal processes"). A guest's
/// PID 1 can take its time.
enum class OwnLeaf { at_once, later };

/// The cgroup below which services get their leaves, e.g. /sys/fs/cgroup/services. `std::nullopt` where there
/// is none.
class CgroupRoot {
 public:
  /// Makes `<mount>/services` and `<mount>/kestrel`, moves the caller into the latter, and turns on the
  /// controllers that exist among cpu, memory, pids: so the supervisor has its half of the processors,
  /// whatever all services do. An error where `mount` is no cgroup2 file system or cannot be written.
  [[nodiscard]] static Result<CgroupRoot> open(const std::string& mount, OwnLeaf own_leaf = OwnLeaf::at_once);

  [[nodiscard]] const std::string& path() const { return path_; }

  /// Turns on the cpu controller for a leaf of some root and those beside it. Leaves have it only where a
  /// limit needs it: each level of it makes every change from one process to another dearer, 3 % of all that
  /// a web server does that is asked now and then.
  static void turn_on_cpu(const std::string& leaf);

  /// Moves the caller into its leaf without waiting for it. The move takes a grace period of RCU, 10 ms of a
  /// boot; meanwhile a short-lived child does the waiting, which the caller's reaper will meet as a stranger.
  void enter_own_leaf_in_background() const;

 private:
  std::string path_;
  std::string own_leaf_;
};

/// Makes the folder of a cgroup; one that is there already is success. Its pressure is not accounted, which
/// would make its processes 1 to 3 % slower: nobody asks for that of one cgroup.
[[nodiscard]] Result<void> make_cgroup(const std::string& path);

}  // namespace kestrel::sys
