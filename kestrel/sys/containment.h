// A Containment holds all processes of one service, so that nothing of it survives its stop: a cgroup v2 leaf where there
// is a writable cgroup v2, else the process group (which double forks with setsid can leave; the subreaper's children are
// then searched by session as far as they can be known).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

/// The cgroup below which services get their leaves, e.g. /sys/fs/cgroup/services. `std::nullopt` where there is none.
class CgroupRoot {
 public:
  /// Makes `<mount>/services` and `<mount>/kestrel`, moves the caller into the latter, and turns on the controllers that
  /// exist among cpu, memory, pids. An error where `mount` is no cgroup2 file system or cannot be written.
  [[nodiscard]] static Result<CgroupRoot> open(const std::string& mount);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Containment {
 public:
  Containment() = default;
  /// A leaf `<root>/<name>`, made if missing. Without a root: a process group, known once `set_leader` is called.
  [[nodiscard]] static Result<Containment> create(const CgroupRoot* root, const std::string& name);
  Containment(Containment&&) noexcept = default;
  Containment& operator=(Containment&&) noexcept = default;
  /// Removes the leaf if it is empty.
  ~Containment();

  /// For ProcessSpec::cgroup_fd; -1 for a process group.
  [[nodiscard]] int cgroup_fd() const { return directory_.get(); }
  void set_leader(pid_t pid) { leader_ = pid; }

  /// To every process in it. No process left is success.
  [[nodiscard]] Result<void> signal_all(int signal) const;
  /// SIGKILL that no fork can outrun: cgroup.kill, else pid by pid until nothing is left.
  [[nodiscard]] Result<void> kill_all() const;
  /// Whether any process is alive in it.
  [[nodiscard]] bool is_populated() const;
  /// Descriptor of cgroup.events; poll it for priority data (POLLPRI), it fires whenever `populated` changes. -1 for a
  /// process group, whose end shows by reaping.
  [[nodiscard]] int events_fd() const { return events_.get(); }
  /// How often the kernel's OOM killer struck in it so far; nullopt where it cannot be known.
  [[nodiscard]] std::optional<std::uint64_t> oom_kills() const;
  [[nodiscard]] std::optional<Bytes> memory_current() const;
  [[nodiscard]] std::optional<std::uint64_t> cpu_usage_us() const;

 private:
  std::string path_;
  UniqueFd directory_;
  UniqueFd events_;
  pid_t leader_ = -1;
};

}  // namespace kestrel::sys
