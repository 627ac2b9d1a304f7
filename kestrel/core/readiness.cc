// What a process says of itself: that it is ready, that it lives, how it is.
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

void Supervisor::on(const ReadinessReported& event, Now now) {
  const auto id = find_service(event.run);
  if (id && std::holds_alternative<Starting>(at(*id).state)) become_ready(*id, now);
}

void Supervisor::on(const ReadinessRuledOut& event, Now now) {
  const auto id = find_service(event.run);
  if (id && std::holds_alternative<Starting>(at(*id).state))
    begin_stop(*id, StopCause::start_failed, event.reason, now);
}

void Supervisor::on(const Notified& event, Now now) {
  const auto id = find_service(event.run);
  if (!id) return;
  Service& service = at(*id);
  if (event.status) service.status = *event.status;
  if (auto* process = process_of(service.state); process && event.main_pid) process->pid = event.main_pid;
  if (event.watchdog) {
    service.watchdog = *event.watchdog > Duration::zero() ? event.watchdog : std::nullopt;
  }
  if (auto* starting = std::get_if<Starting>(&service.state); starting && event.extends_by) {
    starting->deadline = now.monotonic + *event.extends_by;
  }
  if (auto* stopping = std::get_if<Stopping>(&service.state);
      stopping && stopping->deadline && event.extends_by) {
    stopping->deadline = now.monotonic + *event.extends_by;
  }
  const bool speaks_of_readiness = std::holds_alternative<config::ReadyByNotify>(definition(*id).ready);
  if (event.is_ready && speaks_of_readiness && std::holds_alternative<Starting>(service.state))
    become_ready(*id, now);
  auto* running = std::get_if<Running>(&service.state);
  if (!running) return;
  if (event.gives_up) return begin_stop(*id, StopCause::watchdog, "it asked its watchdog to bark", now);
  if (event.is_alive || event.watchdog) {
    running->deadline = service.watchdog ? std::optional(now.monotonic + *service.watchdog) : std::nullopt;
  }
}

void Supervisor::become_ready(ServiceId id, Now now) {
  Service& service = at(id);
  const auto process = std::get<Starting>(service.state).process;
  if (const auto check = at(model_id(id)).readiness_check) {
    if (const auto probe = checks_[check->value].check.end()) effects_.push_back(CancelProbe{*probe});
  }
  if (hooks_of(id, HookKind::post_start).empty()) return become_running(id, process, now);
  const auto hook = start_hook(ServiceHook{id, HookKind::post_start, 0}, 0, now.monotonic);
  enter(id, FinishingStart{process, hook}, now);
}

void Supervisor::become_ready_if_starting(ServiceId id, Now now) {
  if (std::holds_alternative<Starting>(at(id).state)) become_ready(id, now);
  for (const auto one : at(id).instances) become_ready_if_starting(one, now);
}

void Supervisor::begin_readiness_check(ServiceId id, Now now) {
  const auto check = at(model_id(id)).readiness_check;
  if (check) checks_[check->value].check.begin(now.monotonic);
}

}  // namespace kestrel::core
