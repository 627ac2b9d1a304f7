// A Containment holds all processes of one service, so that nothing of it survives its stop: a cgroup v2 leaf
// where there is a writable cgroup v2.
//
// Elsewhere it is the session that the service's first process leads. A daemon leaves that by forking twice
// with setsid; what it cannot shed is its parentage (as the subreaper's child) and the environment it was
// exec'd with. So all processes are given a mark in their environment, and a process belongs if it is a
// descendant of ours and is of the session or has the mark. Only one that also clears its environment, or is
// another user's and hides it from a supervisor without privileges, is lost. See process_tree.h.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/cgroup_root.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/limits.h"

namespace kestrel::sys {

class Containment {
 public:
  Containment() = default;
  /// A leaf `<root>/<name>`, made if missing. Without a root: a session, known once `set_leader` is called.
  [[nodiscard]] static Result<Containment> create(const CgroupRoot* root, const std::string& name);
  Containment(Containment&&) noexcept = default;
  Containment& operator=(Containment&&) noexcept;
  /// Removes the leaf, and what was made below it, if no process is left in it.
  ~Containment();

  /// For ProcessSpec::cgroup_fd; -1 without a cgroup.
  [[nodiscard]] int cgroup_fd() const { return directory_.get(); }
  /// A `NAME=VALUE` that has to be in the environment of every process put into it; empty where a cgroup
  /// makes that unnecessary.
  [[nodiscard]] const std::string& mark() const { return mark_; }
  void set_leader(pid_t pid) { leader_ = pid; }

  /// Readies a leaf without processes for another run that is to be held to `limits`: what was counted so far
  /// counts no more, except for its processor time, which goes on. False where only a new leaf will do: its
  /// limits are others, its memory is limited, or its processes left cgroups of their own behind.
  [[nodiscard]] bool renew(const SharedLimits& limits);

  /// Holds all of it together to `limits`; what is unset is left alone. A memory limit also makes the
  /// kernel kill all of it where one of its processes would have to go, so that nothing goes on half-dead.
  /// Returns what cannot be enforced: everything without a cgroup, else what its controllers refuse.
  [[nodiscard]] std::vector<Error> set_limits(const SharedLimits& limits);

  /// To every process in it. No process left is success.
  [[nodiscard]] Result<void> signal_all(int signal) const;
  /// SIGKILL that no fork can outrun: cgroup.kill; where that fails, with the cgroup frozen, or else with one
  /// signal for the process group, pid by pid until nobody new shows up.
  [[nodiscard]] Result<void> kill_all() const;
  /// Whether `pid` is a process of it. False for one that is gone.
  [[nodiscard]] bool contains(pid_t pid) const;
  /// Whether any process is alive in it.
  [[nodiscard]] bool is_populated() const;
  /// Descriptor of cgroup.events; poll it for priority data (POLLPRI), it fires whenever `populated` changes.
  /// -1 without a cgroup, where the end shows by reaping.
  [[nodiscard]] int events_fd() const { return events_.get(); }
  /// How often the kernel's OOM killer struck in this run; nullopt where it cannot be known.
  [[nodiscard]] std::optional<std::uint64_t> oom_kills() const;
  [[nodiscard]] std::optional<Bytes> memory_current() const;
  /// Kernels before 5.19 do not tell.
  [[nodiscard]] std::optional<Bytes> memory_peak() const;
  [[nodiscard]] std::optional<std::uint64_t> cpu_usage_us() const;

 private:
  [[nodiscard]] std::vector<pid_t> members() const;
  void remove();

  std::string path_;
  UniqueFd directory_;
  UniqueFd events_;
  pid_t leader_ = -1;
  std::string mark_;
  SharedLimits limits_;                 ///< that are in force
  std::uint64_t oom_kills_before_ = 0;  ///< in the leaf's earlier runs
};

}  // namespace kestrel::sys
