// What events and deadlines mean to the service they speak of.
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

/// A shell's words for "not found" and "cannot be executed" (POSIX, Exit Status for Commands).
constexpr int status_not_found = 127;
constexpr int status_cannot_execute = 126;
constexpr int error_no_such_file = 2;  // ENOENT; the core knows no OS headers

}  // namespace

std::optional<ServiceId> Supervisor::find_service(RunId run) const {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return std::nullopt;
  const auto* id = std::get_if<ServiceId>(&found->second);
  return id ? std::optional(*id) : std::nullopt;
}

void Supervisor::on(const ProcessStarted& event, Now now) {
  const auto id = find_service(event.run);
  if (!id) return;
  Service& service = at(*id);
  auto* process = process_of(service.state);
  if (!process) return;
  process->pid = event.pid;
  if (!std::holds_alternative<Starting>(service.state)) return;
  publish(NoticeType::service_started, id, {}, event.pid);
  if (std::holds_alternative<config::ReadyWhenStarted>(definition(*id).ready)) return become_ready(*id, now);
  begin_readiness_check(*id, now);
  enqueue_dependents(*id);
}

void Supervisor::on(const ProcessFailedToStart& event, Now now) {
  const auto found = runs_.find(event.run);
  if (found == runs_.end()) return;
  const auto subject = found->second;
  const Exit exit{.code = event.error == error_no_such_file ? status_not_found : status_cannot_execute};
  const auto* id = std::get_if<ServiceId>(&subject);
  if (!id) return handle_hook_exit(subject, {.run = event.run, .exit = exit, .leaves_others = false}, now);

  runs_.erase(found);
  record_exit(*id, {.time = now.wall, .exit = exit, .cause = ExitCause::exec_failed});
  leave_run(*id);
  if (at(*id).desired == Desired::stopped) return come_to_rest(*id, now);
  fail(*id, concat(event.cause, " (", event.stage, ")"), exit, now);
}

void Supervisor::on(const ProcessExited& event, Now now) {
  const auto found = runs_.find(event.run);
  if (found == runs_.end()) return;
  const auto subject = found->second;
  const auto* id = std::get_if<ServiceId>(&subject);
  if (!id) return handle_hook_exit(subject, event, now);

  Service& service = at(*id);
  publish(NoticeType::service_exited, *id, describe(event.exit), {}, event.exit);
  Stopping stopping{.process = *process_of(service.state), .cause = StopCause::own_exit, .deadline = {}};
  const bool was_stopping = std::holds_alternative<Stopping>(service.state);
  if (was_stopping) {
    stopping = std::get<Stopping>(service.state);
  } else {
    if (const auto* hook = hook_of(service.state)) abandon_hook(*hook);
    if (const auto* preparing = std::get_if<PreparingStop>(&service.state)) {
      stopping.cause = preparing->cause;
      stopping.reason = preparing->reason;
    }
    leave_run(*id);
    if (event.leaves_others) effects_.push_back(KillProcesses{event.run});
  }
  stopping.process.pid.reset();
  stopping.exit = event.exit;
  stopping.has_others = event.leaves_others;
  if (!stopping.has_others) return end_run(*id, stopping, now);
  if (was_stopping) {
    service.state = stopping;
  } else {
    enter(*id, stopping, now);
  }
}

void Supervisor::on(const ProcessesGone& event, Now now) {
  const auto found = runs_.find(event.run);
  if (found == runs_.end()) return;
  const auto subject = found->second;
  const auto* id = std::get_if<ServiceId>(&subject);
  if (!id) return handle_hook_gone(subject, event.run, now);
  auto* stopping = std::get_if<Stopping>(&at(*id).state);
  if (!stopping) return;
  stopping->has_others = false;
  if (stopping->exit) end_run(*id, Stopping(*stopping), now);
}

void Supervisor::on(const DeadlinePassed&, Now now) {
  pass_guest_deadline(now);
  for (std::uint32_t i = 0; i < services_.size(); ++i) pass_deadline(ServiceId{i}, now);
  for (std::uint32_t i = 0; i < checks_.size(); ++i) {
    const auto due = checks_[i].check.deadline();
    if (!due || *due > now.monotonic) continue;
    const auto step = checks_[i].check.handle_deadline(now, ProbeId{last_probe_ + 1});
    if (step.start_probe) ++last_probe_;
    take_step(CheckId{i}, step, now);
  }
}

void Supervisor::pass_deadline(ServiceId id, Now now) {
  Service& service = at(id);
  const auto due = deadline_of(service.state);
  if (!due || *due > now.monotonic) return;
  if (auto* hook = hook_of(service.state)) return expire(*hook);
  if (std::holds_alternative<Scheduled>(service.state)) return check_schedule(id, now);
  if (std::holds_alternative<BackingOff>(service.state)) return enter(id, Waiting{}, now);
  if (std::holds_alternative<Starting>(service.state)) {
    return begin_stop(id, StopCause::start_timeout, "not ready in time", now);
  }
  if (std::holds_alternative<Running>(service.state)) {
    return begin_stop(id, StopCause::watchdog,
                      concat("no sign of life within ", format_duration(*service.watchdog)), now);
  }
  if (auto* stopping = std::get_if<Stopping>(&service.state)) {
    stopping->deadline.reset();
    effects_.push_back(KillProcesses{stopping->process.run});
  }
}

}  // namespace kestrel::core
