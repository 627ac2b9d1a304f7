// One VM of hostd's: carries out what the tracker (fleet/vm_tracker.h) decides, and takes what its runner
// records over into the registry.
//
// An event of the runner and the note how far its records have been taken are written in one transaction, so
// that each becomes one event of hostd's however often hostd is killed. What the registry cannot take (a full
// disk) stays in the runner's files and is fetched again later.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hostd/fleet/vm_record.h"
#include "hostd/fleet/vm_tracker.h"
#include "hostd/http/http_call.h"
#include "hostd/registry/registry.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

class ManagedVm;

/// A runner answers from its loop, which nothing holds up.
inline constexpr Duration runner_answer_time = seconds(2);

/// What a VM's surroundings are told.
struct VmWatcher {
  /// A child of this process is the VM's runner now.
  std::function<void(ManagedVm&, pid_t child)> on_launched;
  /// There are new events in the registry.
  std::function<void()> on_events;
  /// Its state, or what its runner says of it, is not what it was.
  std::function<void(ManagedVm&)> on_change;
};

/// What the runner last said of the VM (GET /v1/vm).
struct RunnerStatus {
  std::string json;
  std::string state;
  std::string runtime_id;
  /// Where the guest is reached: its own address, else that of its first published port; empty: nowhere.
  std::string ip;
  bool has_guest = false;       ///< it has said hello
  std::size_t connections = 0;  ///< over vsock, the guest's link left out
};
[[nodiscard]] Result<RunnerStatus> parse_runner_status(std::string_view json);

class ManagedVm {
 public:
  ManagedVm(loop::Loop& loop, Registry& registry, VmRecord record, const VmWatcher& watcher);
  ManagedVm(const ManagedVm&) = delete;
  ManagedVm& operator=(const ManagedVm&) = delete;

  /// hostd begins: finds out what has become of a VM that ought to run.
  void resume();
  /// Error code EBUSY: it runs already, or somebody else has a VM of that name.
  [[nodiscard]] Result<void> start();
  /// From now on it is not wanted. Also where nothing runs.
  [[nodiscard]] Result<void> stop(StopForce force);
  /// Passes a request on to the runner; EAGAIN: there is none to ask now.
  void ask_runner(std::string method, std::string target, Duration limit,
                  std::function<void(Result<wire::Response>)> done);
  void child_ended();
  /// Asks the runner how the VM is, now.
  void refresh();

  /// For its next run. Error: the registry.
  [[nodiscard]] Result<void> change(VmRequest request, VmSpec spec);

  [[nodiscard]] const VmRecord& record() const { return record_; }
  [[nodiscard]] const std::optional<RunnerStatus>& status() const { return status_; }
  /// `created`, `starting`, `ready`, `healthy`, `unhealthy`, `paused`, `panicked`, `stopping`, `stopped`,
  /// `crashed`, `unknown`.
  [[nodiscard]] std::string_view state_name() const;
  [[nodiscard]] bool is_resting() const { return tracker_.is_resting(); }

 private:
  void handle(const tracking::Event& event);
  void perform(const tracking::LaunchRunner& effect);
  void perform(const tracking::Dial& effect);
  void perform(const tracking::AskToStop& effect);
  void perform(const tracking::KillRunner& effect);
  void perform(const tracking::LookAtLock& effect);
  void perform(const tracking::ConcludeRun& effect);

  void dialled(const Result<wire::Response>& response);
  void follow();
  void follow_began(const wire::Response& head, int peer_pid);
  void follow_ended();
  void take_bytes(std::string_view bytes);
  [[nodiscard]] Result<void> take_records(std::string_view lines);
  [[nodiscard]] Result<void> take_rest();
  [[nodiscard]] Result<void> conclude();
  [[nodiscard]] bool is_to_begin_anew() const;
  [[nodiscard]] Outcome find_outcome() const;
  [[nodiscard]] std::optional<Outcome> outcome_in_progress() const;
  [[nodiscard]] FolderLock lock() const;
  [[nodiscard]] std::string file(std::string_view name) const;

  loop::Loop& loop_;
  Registry& registry_;
  VmRecord record_;
  const VmWatcher& watcher_;
  VmTracker tracker_;
  loop::Timer deadline_;
  std::optional<RunnerStatus> status_;
  bool is_refreshing_ = false;

  // Of the run.
  /// Why the runner that this hostd wanted to start could not be.
  std::string launch_problem_;
  /// What the runner says of its progress: also why it refused to run the VM, of which nothing else is left.
  sys::UniqueFd progress_;
  /// This hostd has started it, or its runner has answered.
  bool is_known_to_have_begun_ = false;
  std::string partial_line_;

  std::unique_ptr<HttpFollow> follow_;
  HttpCalls calls_;
};

}  // namespace kestrel::hostd
