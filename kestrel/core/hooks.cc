// Hooks: programs that run at a known point of a service's life or of the guest's, one after another. A hook
// is done when its process has ended and nothing of it is left; one that takes too long is killed, which is a
// failure like any other.
#include <algorithm>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

/// How long a hook may take (DESIGN.md, "Hooks").
constexpr Duration hook_timeout = seconds(60);

std::string_view name_of(HookKind kind) {
  switch (kind) {
    case HookKind::pre_start:
      return "pre_start";
    case HookKind::post_start:
      return "post_start";
    case HookKind::pre_stop:
      return "pre_stop";
    case HookKind::post_stop:
      return "post_stop";
    case HookKind::on_unhealthy:
      return "on_unhealthy";
    case HookKind::post_resume:
      return "post_resume";
  }
  return {};
}

HookKind kind_of(const Subject& subject) {
  if (const auto* service_hook = std::get_if<ServiceHook>(&subject)) return service_hook->kind;
  return std::get<GuestHook>(subject).kind;
}

const std::vector<config::Command>& list_of(const config::Hooks& hooks, HookKind kind) {
  switch (kind) {
    case HookKind::pre_start:
      return hooks.pre_start;
    case HookKind::post_start:
      return hooks.post_start;
    case HookKind::pre_stop:
      return hooks.pre_stop;
    case HookKind::post_stop:
      return hooks.post_stop;
    case HookKind::on_unhealthy:
      return hooks.on_unhealthy;
    case HookKind::post_resume:
      break;
  }
  return hooks.post_resume;
}

}  // namespace

const std::vector<config::Command>& Supervisor::hooks_of(ServiceId id, HookKind kind) const {
  return list_of(definition(id).hooks, kind);
}

const std::vector<config::Command>& Supervisor::guest_hooks(HookKind kind) const {
  return list_of(model_->hooks, kind);
}

const config::Command& Supervisor::command_of(const Subject& subject) const {
  return std::visit(overloaded{
                        [this](ServiceId id) -> const config::Command& { return definition(id).command; },
                        [this](const ServiceHook& hook) -> const config::Command& {
                          return hooks_of(hook.service, hook.kind)[hook.index];
                        },
                        [this](const GuestHook& hook) -> const config::Command& {
                          return guest_hooks(hook.kind)[hook.index];
                        },
                    },
                    subject);
}

HookRun Supervisor::start_hook(const Subject& subject, std::uint32_t index, MonotonicTime now) {
  const RunId run{++last_run_};
  runs_.emplace(run, subject);
  auto told = subject;
  if (auto* hook = std::get_if<ServiceHook>(&told)) hook->service = model_id(hook->service);
  effects_.push_back(SpawnProcess{run, told});
  return {.kind = kind_of(subject),
          .index = index,
          .run = run,
          .deadline = now + hook_timeout,
          .program = command_of(subject).program};
}

void Supervisor::expire(HookRun& hook) {
  hook.has_timed_out = true;
  effects_.push_back(KillProcesses{hook.run});
}

void Supervisor::expire_if_late(HookRun& hook, MonotonicTime now) {
  if (!hook.has_timed_out && hook.deadline <= now) expire(hook);
}

/// Its end interests nobody any more; it has no right to go on either.
void Supervisor::abandon_hook(const HookRun& hook) { effects_.push_back(KillProcesses{hook.run}); }

std::optional<std::string> Supervisor::failure_of(const HookRun& hook) {
  const auto what = concat(name_of(hook.kind), " hook ", hook.program);
  if (hook.has_timed_out) return concat(what, " did not end within ", format_duration(hook_timeout));
  if (*hook.exit == Exit{}) return std::nullopt;
  return concat(what, " ", describe(*hook.exit));
}

HookRun* Supervisor::guest_hook() {
  if (auto* preparing = std::get_if<Preparing>(&guest_)) return &preparing->hook;
  if (auto* up = std::get_if<Up>(&guest_)) return up->hook_kind ? &up->hook : nullptr;
  if (auto* shutting_down = std::get_if<ShuttingDown>(&guest_))
    return shutting_down->hook ? &*shutting_down->hook : nullptr;
  return nullptr;
}

HookRun* Supervisor::find_hook(const Subject& subject, RunId run) {
  const auto* of_service = std::get_if<ServiceHook>(&subject);
  auto* hook = of_service ? hook_of(at(of_service->service).state) : guest_hook();
  return hook && hook->run == run ? hook : nullptr;
}

void Supervisor::handle_hook_exit(const Subject& subject, const ProcessExited& event, Now now) {
  if (event.leaves_others) effects_.push_back(KillProcesses{event.run});
  auto* hook = find_hook(subject, event.run);
  if (hook) hook->exit = event.exit;
  if (!event.leaves_others) handle_hook_gone(subject, event.run, now);
}

void Supervisor::handle_hook_gone(const Subject& subject, RunId run, Now now) {
  auto* hook = find_hook(subject, run);
  if (!hook) {
    runs_.erase(run);
    return;
  }
  if (!hook->exit) return;
  const auto done = *hook;
  runs_.erase(run);
  std::visit(overloaded{
                 [](ServiceId) {},
                 [&](const ServiceHook& one) { conclude_service_hook(one, done, now); },
                 [&](const GuestHook&) { conclude_guest_hook(done, now); },
             },
             subject);
}

// --- a service's ------------------------------------------------------------------------------------------

/// The shutdown's deadline has passed: nothing new is begun.
bool Supervisor::is_out_of_time() const {
  const auto* shutting_down = std::get_if<ShuttingDown>(&guest_);
  return shutting_down && shutting_down->has_killed;
}

/// The hook behind one that is done, started; nullopt where that was the last.
std::optional<HookRun> Supervisor::next_hook(ServiceId id, const HookRun& done, Now now) {
  const auto index = done.index + 1;
  if (index >= hooks_of(id, done.kind).size() || is_out_of_time()) return std::nullopt;
  return start_hook(ServiceHook{id, done.kind, index}, index, now.monotonic);
}

void Supervisor::conclude_service_hook(const ServiceHook& subject, const HookRun& hook, Now now) {
  const auto id = subject.service;
  const auto failure = failure_of(hook);
  if (failure) publish(NoticeType::hook_failed, id, *failure);
  State& state = at(id).state;

  if (std::holds_alternative<PreparingStart>(state)) {
    if (failure) {
      leave_run(id);
      return conclude_end(
          id, {.cause = StopCause::start_failed, .exit = *hook.exit, .uptime = {}, .reason = *failure}, now);
    }
    if (auto next = next_hook(id, hook, now)) return enter(id, PreparingStart{*next}, now);
    // The gates may have closed while the hooks ran.
    if (!std::holds_alternative<GateOpen>(gate_of(id))) return enter(id, Waiting{}, now);
    return launch(id, now);
  }
  if (const auto* finishing = std::get_if<FinishingStart>(&state)) {
    const auto process = finishing->process;
    if (failure) {
      leave_run(id);
      publish(NoticeType::service_stopping, id, *failure);
      return send_stop(id, process, StopCause::start_failed, *failure, now);
    }
    if (auto next = next_hook(id, hook, now)) return enter(id, FinishingStart{process, *next}, now);
    return become_running(id, process, now);
  }
  if (const auto* preparing = std::get_if<PreparingStop>(&state)) {
    const auto before = *preparing;
    if (auto next = next_hook(id, hook, now)) {
      return enter(id, PreparingStop{before.process, before.cause, before.reason, *next}, now);
    }
    return send_stop(id, before.process, before.cause, before.reason, now);
  }
  if (const auto* cleaning = std::get_if<CleaningUp>(&state)) {
    const auto ended = cleaning->ended;
    // A pre_start hook comes here when its service was stopped meanwhile: there is nothing to clean up after.
    auto next = hook.kind == HookKind::post_stop ? next_hook(id, hook, now) : std::nullopt;
    if (next) return enter(id, CleaningUp{ended, *next}, now);
    return conclude_end(id, ended, now);
  }
}

// --- the guest's ------------------------------------------------------------------------------------------

void Supervisor::run_guest_hooks(HookKind kind, Now now) {
  auto* up = std::get_if<Up>(&guest_);
  if (!up || up->hook_kind || guest_hooks(kind).empty()) return;
  up->hook_kind = kind;
  up->hook = start_hook(GuestHook{kind, 0}, 0, now.monotonic);
}

void Supervisor::conclude_guest_hook(const HookRun& hook, Now now) {
  const auto failure = failure_of(hook);
  const bool has_next = hook.index + 1 < guest_hooks(hook.kind).size();
  const auto next = [&] {
    return start_hook(GuestHook{hook.kind, hook.index + 1}, hook.index + 1, now.monotonic);
  };
  if (failure) publish(NoticeType::hook_failed, {}, *failure);

  if (std::holds_alternative<Preparing>(guest_)) {
    if (failure) {
      const auto status = std::max(1, shell_status(*hook.exit));
      shut_down({.status = status, .signal = hook.exit->signal, .cause = "hook", .reason = *failure},
                *failure, now);
      std::get<ShuttingDown>(guest_).hook.reset();
    } else if (has_next) {
      guest_ = Preparing{next()};
    } else {
      bring_up();
    }
  } else if (auto* up = std::get_if<Up>(&guest_)) {
    if (has_next) {
      up->hook = next();
    } else {
      up->hook_kind.reset();
      if (std::exchange(up->has_resumed, false)) run_guest_hooks(HookKind::post_resume, now);
    }
  } else if (auto* shutting_down = std::get_if<ShuttingDown>(&guest_)) {
    is_guest_concluded_ = false;
    const bool goes_on =
        has_next && !shutting_down->has_killed && shutting_down->step != ShuttingDown::Step::stopping;
    if (goes_on) {
      shutting_down->hook = next();
      return;
    }
    shutting_down->hook.reset();
    if (shutting_down->step == ShuttingDown::Step::before_stop) begin_stopping(now);
    if (shutting_down->step == ShuttingDown::Step::after_stop) finish();
  }
}

}  // namespace kestrel::core
