#include "hostd/vm_machine.h"

#include "hostd/vm_outcome.h"
#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// What a VMM gets to end by itself after its guest's last word or panic: a reset under TCG takes
/// milliseconds.
constexpr Duration power_off_grace = seconds(10);
constexpr Duration panic_grace = seconds(5);
/// QEMU quits within milliseconds unless its main loop hangs.
constexpr Duration quit_grace = seconds(5);

Outcome forced(std::string message) { return {to_status(ExitCode::stop_forced), std::move(message), {}}; }

}  // namespace

std::string_view name_of(Step step) {
  switch (step) {
    case Step::vm:
      return "vm";
    case Step::kernel:
      return "kernel";
    case Step::kestrel:
      return "kestrel";
    case Step::services:
      return "services";
    case Step::healthy:
      return "healthy";
  }
  return "vm";
}

std::string_view name_of(const State& state) {
  return std::visit(overloaded{
                        [](const Idle&) -> std::string_view { return "created"; },
                        [](const Booting&) -> std::string_view { return "booting"; },
                        [](const FallingBack&) -> std::string_view { return "booting"; },
                        [](const Running& running) -> std::string_view {
                          if (running.paused_at) return "paused";
                          if (running.health == Running::Health::healthy) return "healthy";
                          if (running.health == Running::Health::unhealthy) return "unhealthy";
                          return running.is_ready ? "ready" : "starting";
                        },
                        [](const PoweringOff&) -> std::string_view { return "stopping"; },
                        [](const Panicked&) -> std::string_view { return "panicked"; },
                        [](const Stopping&) -> std::string_view { return "stopping"; },
                        [](const Ended&) -> std::string_view { return "ended"; },
                    },
                    state);
}

Effects VmMachine::handle(const Event& event, MonotonicTime now) {
  now_ = now;
  std::visit([this](const auto& happened) { on(happened); }, event);
  return std::exchange(effects_, {});
}

std::optional<MonotonicTime> VmMachine::deadline() const {
  using Deadline = std::optional<MonotonicTime>;
  return std::visit(overloaded{
                        [](const Idle&) -> Deadline { return std::nullopt; },
                        [](const Booting& state) -> Deadline { return state.deadline; },
                        [](const FallingBack&) -> Deadline { return std::nullopt; },
                        [](const Running&) -> Deadline { return std::nullopt; },
                        [](const PoweringOff& state) -> Deadline { return state.deadline; },
                        [](const Panicked& state) -> Deadline { return state.deadline; },
                        [](const Stopping& state) -> Deadline { return state.deadline; },
                        [](const Ended&) -> Deadline { return std::nullopt; },
                    },
                    state_);
}

// --- the VMM ----------------------------------------------------------------------------------------------

void VmMachine::on(const StartRequested&) {
  if (!std::holds_alternative<Idle>(state_)) return;
  const bool can_use_kvm = policy_.kvm_problem.empty();
  if (policy_.accel == Accel::kvm && !can_use_kvm) {
    return finish({to_status(ExitCode::host_error), concat("cannot use KVM: ", policy_.kvm_problem), {}});
  }
  started_ = now_;
  may_fall_back_ = policy_.accel == Accel::automatic && can_use_kvm;
  boot(policy_.accel != Accel::tcg && can_use_kvm);
}

void VmMachine::on(const SpawnFailed& event) { finish({to_status(event.code), event.reason, {}}); }

void VmMachine::on(const VmmExited& exit) {
  std::visit(overloaded{
                 [](const Idle&) {},
                 [&](const Booting& booting) {
                   if (booting.uses_kvm && may_fall_back_) {
                     fall_back(describe(exit));
                     return boot(false);
                   }
                   finish(outcome_of_early_exit(exit, booting.has_console_spoken));
                 },
                 [&](const FallingBack&) { boot(false); },
                 [&](const Running&) { finish(outcome_of_late_exit(exit)); },
                 [&](const PoweringOff& state) {
                   if (!state.is_reboot) return finish(Outcome(state.outcome));
                   effects_.emplace_back(ReportNotice{"the guest asked for a reboot: booting again"});
                   started_ = now_;
                   boot(policy_.accel != Accel::tcg && policy_.kvm_problem.empty());
                 },
                 [&](const Panicked& state) { finish(outcome_of_panic(state.line)); },
                 [&](const Stopping& state) { finish(Outcome(state.outcome)); },
                 [](const Ended&) {},
             },
             State(state_));
}

void VmMachine::on(const ConsoleSpoke&) {
  auto* booting = std::get_if<Booting>(&state_);
  if (booting == nullptr || booting->has_console_spoken) return;
  booting->has_console_spoken = true;
  report(Step::kernel);
}

void VmMachine::on(const DriverCameUp&) {
  if (auto* booting = std::get_if<Booting>(&state_)) booting->is_driver_up = true;
}

void VmMachine::on(const PanicSeen& event) {
  const auto panic = [&] { state_ = Panicked{event.line, now_ + panic_grace}; };
  std::visit(overloaded{
                 [](const Idle&) {},
                 [&](const Booting&) { panic(); },
                 [](const FallingBack&) {},
                 [&](const Running&) { panic(); },
                 [](const PoweringOff&) {},
                 [](const Panicked&) {},
                 [&](const Stopping& state) {
                   if (state.phase == Stopping::Phase::asking) panic();
                 },
                 [](const Ended&) {},
             },
             State(state_));
}

// --- the guest --------------------------------------------------------------------------------------------

void VmMachine::on(const HelloReceived&) {
  if (!std::holds_alternative<Booting>(state_)) return;
  state_ = Running{};
  may_fall_back_ = false;
  report(Step::kestrel);
}

void VmMachine::on(const VmmPaused&) {
  auto* running = std::get_if<Running>(&state_);
  if (running == nullptr || running->paused_at) return;
  running->paused_at = now_;
  effects_.emplace_back(NotePaused{});
}

void VmMachine::on(const VmmResumed&) {
  auto* running = std::get_if<Running>(&state_);
  if (running == nullptr || !running->paused_at) return;
  effects_.emplace_back(TellResumed{now_ - *std::exchange(running->paused_at, std::nullopt)});
}

void VmMachine::on(const ServicesBecameReady&) {
  auto* running = std::get_if<Running>(&state_);
  if (running == nullptr || running->is_ready) return;
  running->is_ready = true;
  report(Step::services);
}

void VmMachine::on(const HealthChanged& event) {
  auto* running = std::get_if<Running>(&state_);
  if (running == nullptr) return;
  const bool is_first = running->health == Running::Health::unknown;
  running->health = event.is_healthy ? Running::Health::healthy : Running::Health::unhealthy;
  if (event.is_healthy && is_first) report(Step::healthy);
}

void VmMachine::on(const ExitingReceived& event) {
  const auto power_off = [&](bool may_reboot) {
    effects_.emplace_back(AckExiting{});
    state_ = PoweringOff{outcome_of(event.word), may_reboot && event.word.action == "reboot",
                         now_ + power_off_grace};
  };
  std::visit(overloaded{
                 [](const Idle&) {},
                 [](const Booting&) {},
                 [](const FallingBack&) {},
                 [&](const Running&) { power_off(true); },
                 // It dialled again before it had our answer.
                 [&](const PoweringOff&) { effects_.emplace_back(AckExiting{}); },
                 [](const Panicked&) {},
                 [&](const Stopping& state) {
                   if (state.phase == Stopping::Phase::asking) power_off(false);
                 },
                 [](const Ended&) {},
             },
             State(state_));
}

// --- the user, this side, and time ------------------------------------------------------------------------

void VmMachine::on(const StopRequested& event) {
  event.urgency == StopRequested::Urgency::orderly ? stop_orderly() : stop_at_once();
}

void VmMachine::stop_orderly() {
  std::visit(overloaded{
                 [&](const Idle&) { finish(forced("stopped before the VM had started")); },
                 [&](const Booting&) { quit_with(forced("stopped before the guest said hello")); },
                 [&](const FallingBack&) { kill_with(forced("stopped before the guest said hello")); },
                 [&](const Running& running) {
                   // A guest that stands still cannot shut down.
                   if (running.paused_at) {
                     effects_.emplace_back(ResumeVmm{});
                     effects_.emplace_back(TellResumed{now_ - *running.paused_at});
                   }
                   effects_.emplace_back(SendPowerOff{});
                   state_ = Stopping{Stopping::Phase::asking, now_ + policy_.shutdown_timeout,
                                     forced("the guest went away during its shutdown, without a last word")};
                 },
                 [](const PoweringOff&) {},
                 [](const Panicked&) {},
                 [](const Stopping&) {},
                 [](const Ended&) {},
             },
             state_);
  // Whoever stops a VM does not want it to come back.
  if (auto* state = std::get_if<PoweringOff>(&state_)) state->is_reboot = false;
}

void VmMachine::stop_at_once() {
  const Outcome killed = forced("the VM was ended by force");
  std::visit(overloaded{
                 [&](const Idle&) { finish(Outcome(killed)); },
                 [&](const Booting&) { kill_with(killed); },
                 [&](const FallingBack&) { kill_with(killed); },
                 [&](const Running&) { kill_with(killed); },
                 [&](const PoweringOff& state) { kill_with(state.outcome); },
                 [&](const Panicked& state) { kill_with(outcome_of_panic(state.line)); },
                 [&](const Stopping& state) {
                   if (state.phase != Stopping::Phase::killing) kill_with(killed);
                 },
                 [](const Ended&) {},
             },
             State(state_));
}

void VmMachine::on(const PowerOffFailed& event) {
  const auto* state = std::get_if<Stopping>(&state_);
  if (state == nullptr || state->phase != Stopping::Phase::asking) return;
  quit_with(forced(concat("the guest could not be asked to shut down: ", event.reason)));
}

void VmMachine::on(const HostFailed& event) {
  const auto fail = [&] { kill_with({to_status(ExitCode::host_error), event.reason, {}}); };
  std::visit(overloaded{
                 [&](const Idle&) {
                   finish({to_status(ExitCode::host_error), event.reason, {}});
                 },
                 [&](const Booting&) { fail(); },
                 [](const FallingBack&) {},
                 [&](const Running&) { fail(); },
                 [](const PoweringOff&) {},
                 [](const Panicked&) {},
                 [&](const Stopping& state) {
                   if (state.phase == Stopping::Phase::asking) fail();
                 },
                 [](const Ended&) {},
             },
             State(state_));
}

void VmMachine::on(const DeadlinePassed&) {
  const auto due = deadline();
  if (!due || now_ < *due) return;
  std::visit(
      overloaded{
          [](Idle&) {},
          [&](Booting& state) { boot_timed_out(Booting(state)); },
          [](FallingBack&) {},
          [](Running&) {},
          [&](PoweringOff& state) {
            effects_.emplace_back(KillVmm{});
            state.deadline = std::nullopt;
          },
          [&](Panicked& state) {
            effects_.emplace_back(KillVmm{});
            state.deadline = std::nullopt;
          },
          [&](Stopping& state) {
            if (state.phase == Stopping::Phase::quitting) return kill_with(Outcome(state.outcome));
            quit_with(forced(concat("the guest did not shut down within ",
                                    format_duration(policy_.shutdown_timeout), " and was ended by force")));
          },
          [](Ended&) {},
      },
      state_);
}

// --- transitions ------------------------------------------------------------------------------------------

void VmMachine::boot(bool uses_kvm) {
  state_ = Booting{uses_kvm, now_ + policy_.boot_timeout, false, false};
  effects_.emplace_back(SpawnVmm{uses_kvm});
  report(Step::vm);
}

void VmMachine::boot_timed_out(const Booting& booting) {
  const Outcome outcome = outcome_of_silence(booting, policy_.boot_timeout);
  if (!booting.uses_kvm || !may_fall_back_) return kill_with(outcome);
  fall_back(outcome.message);
  effects_.emplace_back(KillVmm{});
  state_ = FallingBack{};
}

void VmMachine::fall_back(std::string_view reason) {
  may_fall_back_ = false;
  effects_.emplace_back(
      ReportNotice{concat("KVM does not work here (", reason, "): trying again without it")});
}

void VmMachine::kill_with(Outcome outcome) {
  effects_.emplace_back(KillVmm{});
  state_ = Stopping{Stopping::Phase::killing, std::nullopt, std::move(outcome)};
}

void VmMachine::quit_with(Outcome outcome) {
  effects_.emplace_back(QuitVmm{});
  state_ = Stopping{Stopping::Phase::quitting, now_ + quit_grace, std::move(outcome)};
}

void VmMachine::finish(Outcome outcome) {
  effects_.emplace_back(Finish{outcome});
  state_ = Ended{std::move(outcome)};
}

void VmMachine::report(Step step) { effects_.emplace_back(ReportProgress{step, now_ - started_}); }

}  // namespace kestrel::hostd
