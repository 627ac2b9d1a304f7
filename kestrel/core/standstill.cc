// Time in which nothing could run, as when the machine was paused: nobody has missed a deadline by it.
#include "kestrel/base/overloaded.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

void postpone(std::optional<MonotonicTime>& deadline, Duration by) {
  if (deadline) *deadline += by;
}

/// Only what others have to meet; the end of a delay, or the time of a schedule, has come.
void postpone(State& state, Duration by) {
  std::visit(overloaded{
                 [](Stopped&) {},
                 [](Waiting&) {},
                 [](Scheduled&) {},
                 [by](PreparingStart& one) { one.hook.deadline += by; },
                 [by](Starting& one) { postpone(one.deadline, by); },
                 [by](FinishingStart& one) { one.hook.deadline += by; },
                 [by](Running& one) { postpone(one.deadline, by); },
                 [by](PreparingStop& one) { one.hook.deadline += by; },
                 [by](Stopping& one) { postpone(one.deadline, by); },
                 [by](CleaningUp& one) { one.hook.deadline += by; },
                 [](BackingOff&) {},
                 [](Completed&) {},
                 [](Failed&) {},
                 [](Blocked&) {},
             },
             state);
}

}  // namespace

void Supervisor::on(const TimeWasLost& event, Now now) {
  for (auto& owned : checks_) {
    if (const auto probe = owned.check.lose_time(event.by, now.monotonic))
      effects_.push_back(CancelProbe{*probe});
  }
  for (auto& service : services_) postpone(service.state, event.by);
  if (auto* hook = guest_hook()) hook->deadline += event.by;
  if (auto* shutting_down = std::get_if<ShuttingDown>(&guest_)) shutting_down->deadline += event.by;
}

void Supervisor::on(const Resumed&, Now now) {
  auto* up = std::get_if<Up>(&guest_);
  if (!up) return;
  publish(NoticeType::vm_resumed);
  if (up->hook_kind) {
    up->has_resumed = !guest_hooks(HookKind::post_resume).empty();
  } else {
    run_guest_hooks(HookKind::post_resume, now);
  }
}

}  // namespace kestrel::core
