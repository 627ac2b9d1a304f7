// Every process that Kestrel made and that has not been waited for: the one reaper, and what to tell whom.
//
// A process is known by a ProcessId that is never reused; its pid may be, once it is reaped. Callbacks come
// from the loop or from inside start(), never after forget(). An ended child is announced before it is
// reaped, so that whatever its announcement leads to (a signal to its group, for one) still meets that very
// process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "kestrel/base/result.h"
#include "kestrel/base/strong.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/child_signal.h"
#include "kestrel/sys/containment_pool.h"
#include "kestrel/sys/process.h"

namespace kestrel::app {

using ProcessId = Strong<struct ProcessIdTag, std::uint64_t>;

/// Enough for thousands of services at five descriptors each: two log pipes, a pidfd, two of its cgroup.
inline constexpr std::uint64_t wanted_open_files = 65536;

struct ProcessEnd {
  sys::ExitStatus status;
  bool is_oom_kill = false;
  bool leaves_others = false;  ///< others of its containment live; on_gone follows
  bool is_untold = false;      ///< another process waited for it and has the status; here it is 0
};

struct ProcessCallbacks {
  std::function<void(pid_t)> on_exec;                     ///< perhaps before start() returns
  std::function<void(sys::SpawnFailure)> on_exec_failed;  ///< likewise; nothing follows
  /// The main process has ended, which does not count yet: the last moment for adopt_main(). Optional.
  std::function<void()> before_end;
  std::function<void(const ProcessEnd&)> on_end;
  std::function<void()> on_gone;
};

class ProcessTable {
 public:
  /// `cgroups` must outlive the table; nullptr: containment by session.
  ProcessTable(loop::Loop& loop, const sys::CgroupRoot* cgroups);
  ProcessTable(const ProcessTable&) = delete;
  ProcessTable& operator=(const ProcessTable&) = delete;

  /// `name` becomes the cgroup's. Limits of `spec` that cannot be enforced are no failure: the first start
  /// under that name warns of them. The id is known to the callbacks' owner before any of them is called.
  [[nodiscard]] Result<void> start(ProcessId id, const std::string& name, sys::ProcessSpec spec,
                                   ProcessCallbacks callbacks);

  /// Tells the outcome of its exec now, if it is there: news of the program come after it.
  void notice_exec(ProcessId id);
  /// Whether `pid` is of the containment.
  [[nodiscard]] bool contains(ProcessId id, pid_t pid) const;
  /// Makes `pid`, which must be of the containment, its main process; what was that before is reaped and no
  /// more. If another process than Kestrel waits for it, the end is told as such.
  [[nodiscard]] Result<void> adopt_main(ProcessId id, pid_t pid);

  void signal_main(ProcessId id, int signal);
  /// To the process group that its main process leads.
  void signal_group(ProcessId id, int signal);
  /// To all of the containment. After a signal that asks for the end, CONT: a stopped process could not act
  /// on it.
  void signal_all(ProcessId id, int signal);
  void kill_all(ProcessId id);
  /// Kills what is left of it; nobody is told of its end.
  void forget(ProcessId id);

  [[nodiscard]] std::optional<Bytes> memory(ProcessId id) const;
  [[nodiscard]] std::optional<Bytes> memory_peak(ProcessId id) const;
  [[nodiscard]] std::optional<Duration> cpu(ProcessId id) const;

 private:
  struct Entry {
    std::string name;
    sys::Containment containment;
    ProcessCallbacks callbacks;
    pid_t pid = -1;
    sys::UniqueFd pidfd;
    sys::UniqueFd exec_report;
    loop::FdWatcher exec_watcher;
    loop::FdWatcher cgroup_watcher;
    loop::FdWatcher main_watcher;  ///< of the pidfd of an adopted main process
    bool has_ended = false;        ///< the main process
    bool is_forgotten = false;
  };

  void hold_to_limits(sys::Containment& containment, const std::string& name,
                      const sys::SharedLimits& limits);
  void await_exec(ProcessId id, Entry& entry);
  void conclude_exec(ProcessId id);
  void tell_exec(ProcessId id, const std::optional<sys::SpawnFailure>& failure);
  void reap_stranger(pid_t pid);
  void handle_children();
  void handle_end_of_child(ProcessId id, const sys::Reaped& ended);
  void handle_end_of_adopted(ProcessId id);
  void announce_end(ProcessId id, const std::optional<sys::ExitStatus>& status);
  void check_gone(ProcessId id);
  void check_all_gone();
  [[nodiscard]] bool has_others(const Entry& entry) const;
  [[nodiscard]] bool has_strangers() const;
  void remove_ended(ProcessId id);
  [[nodiscard]] Entry* find(ProcessId id) const;

  loop::Loop* loop_;
  sys::ContainmentPool containments_;
  loop::Timer sweep_;  ///< of containments that no new run has asked for
  sys::ChildSignal child_signal_;
  loop::FdWatcher child_watcher_;
  std::unordered_map<ProcessId, std::unique_ptr<Entry>> entries_;
  std::unordered_map<pid_t, ProcessId> by_pid_;
  std::unordered_set<pid_t> inherited_;     ///< children that were there before the table
  std::unordered_set<std::string> warned_;  ///< names whose limits cannot be enforced
  std::size_t lingering_ = 0;               ///< entries whose main process has ended
};

}  // namespace kestrel::app
