// The runner: one VM, from its spec to its end. Carries out what the machine (vm_machine.h) decides, and
// tells it what happens.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hostd/disks/volumes.h"
#include "hostd/net/vm_card.h"
#include "hostd/runner/control_server.h"
#include "hostd/runner/guest_request.h"
#include "hostd/runner/guest_session.h"
#include "hostd/runner/guest_vsock.h"
#include "hostd/runner/observer.h"
#include "hostd/runner/pause_control.h"
#include "hostd/runner/publisher.h"
#include "hostd/runner/runtime_dir.h"
#include "hostd/vm_machine.h"
#include "hostd/vm_spec.h"
#include "hostd/vmm/console.h"
#include "hostd/vmm/tsc.h"
#include "hostd/vmm/vmm_process.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd {

/// What stays of the runtime folder at the end.
enum class AfterEnd {
  remove,     ///< nothing
  keep_logs,  ///< vm.json, the logs, and exit.json
};

class Runner final : public ControlTarget {
 public:
  Runner(loop::Loop& loop, VmSpec spec, RuntimeDir dir, RunnerObserver& observer, const TscMeter& tsc);
  ~Runner() override;

  /// Opens logs, disks, sockets and ports: what fails here fails before anything runs.
  [[nodiscard]] std::optional<Outcome> prepare();
  void start() { handle(StartRequested{}); }

  /// Once the machine has ended; the loop is stopped then.
  [[nodiscard]] const std::optional<Outcome>& outcome() const { return outcome_; }
  /// After the loop: closes everything and cleans up the folder.
  void close(AfterEnd after);

  [[nodiscard]] std::string status_json() const override;
  [[nodiscard]] const std::string& runtime_id() const override { return guest_.runtime_id(); }
  [[nodiscard]] Result<void> stop(StopRequested::Urgency urgency) override {
    handle(StopRequested{urgency});
    return {};
  }
  void pause(PauseAnswer answer) override { pause_.pause(machine_.state(), std::move(answer)); }
  void resume(PauseAnswer answer) override { pause_.resume(machine_.state(), std::move(answer)); }
  [[nodiscard]] RecordLog& logs() override { return guest_.logs(); }
  [[nodiscard]] RecordLog& events() override { return guest_.events(); }

 private:
  void handle(Event event);
  void perform(const SpawnVmm& effect);
  void perform(const SendPowerOff& effect);
  void perform(const NotePaused& effect);
  void perform(const ResumeVmm& effect);
  void perform(const TellResumed& effect);
  void perform(const QuitVmm& effect);
  void perform(const KillVmm& effect);
  void perform(const AckExiting& effect);
  void perform(const ReportProgress& effect);
  void perform(const ReportNotice& effect);
  void perform(const Finish& effect);

  [[nodiscard]] Result<void> open_console_log();
  [[nodiscard]] Result<void> open_disk_files();
  [[nodiscard]] Result<void> open_network();
  [[nodiscard]] GuestVsockResult open_vsock();
  void take_console(std::string_view bytes);
  void take_qmp_event(const QmpEvent& event);
  void tell_disk_error(const QmpEvent& event);
  [[nodiscard]] PauseControl::Monitor monitor();
  void vmm_exited(const VmmExited& exit);
  [[nodiscard]] GuestSessionCallbacks guest_callbacks();
  void api_came_up();
  void ask_if_stopping();
  void take_event(const wire::EventMessage& event);

  loop::Loop& loop_;
  VmSpec spec_;
  RuntimeDir dir_;
  RunnerObserver& observer_;
  const TscMeter& tsc_;

  VmMachine machine_;
  std::deque<Event> pending_;
  bool is_handling_ = false;
  loop::Timer deadline_;
  std::optional<Outcome> outcome_;

  Console console_;
  RotatingFile console_log_;

  bool uses_kvm_ = false;
  WallTime started_{};
  std::vector<std::pair<Step, Duration>> boot_;

  std::vector<OpenDisk> disks_;        ///< all_disks(), one by one
  bool has_disk_error_ = false;        ///< and the guest stands still for it
  std::optional<VmCard> card_;         ///< on a bridge
  std::unique_ptr<GuestVsock> vsock_;  ///< of the VMM that runs now
  std::unique_ptr<VmmProcess> vmm_;
  DeviceDialer dialer_;
  std::unique_ptr<GuestRequest> power_off_;
  GuestSession guest_;
  PauseControl pause_;
  Publisher publisher_;
  ControlServer control_;
};

/// Why KVM cannot be used by this process; empty where it can.
[[nodiscard]] std::string find_kvm_problem();

}  // namespace kestrel::hostd
