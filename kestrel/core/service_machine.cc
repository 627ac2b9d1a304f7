// One service's moves between its states. service_state.h tells the story; this is its text in code.
#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

constexpr std::size_t remembered_exits = 32;
/// For a program that says itself when it is ready, and whose start_timeout is not given.
constexpr Duration default_start_timeout = seconds(60);

ExitCause cause_of(StopCause cause, const Exit& exit) {
  switch (cause) {
    case StopCause::desired:
    case StopCause::restart:
    case StopCause::dependency:
    case StopCause::replaced:
      return ExitCause::stop;
    case StopCause::unhealthy:
    case StopCause::watchdog:
      return ExitCause::probe;
    case StopCause::start_timeout:
    case StopCause::start_failed:
      return ExitCause::start_timeout;
    case StopCause::own_exit:
      break;
  }
  if (exit.is_oom_kill) return ExitCause::oom;
  return exit.signal != 0 ? ExitCause::signal : ExitCause::exit;
}

std::optional<Duration> start_timeout_of(const config::Service& service) {
  if (service.start_timeout) return service.start_timeout;
  if (std::holds_alternative<config::ReadyWhenStarted>(service.ready)) return std::nullopt;
  return default_start_timeout;
}

}  // namespace

// --- settling: moving states towards what is desired -------------------------------------------------------

void Supervisor::enqueue(ServiceId id) {
  Service& service = at(id);
  if (service.is_queued) return;
  service.is_queued = true;
  queue_.push_back(id);
}

/// What it does may matter to those who depend on it.
void Supervisor::enqueue_dependents(ServiceId id) {
  for_each_dependent(id, [this](ServiceId one, const Dependent&) { enqueue(one); });
}

void Supervisor::want(ServiceId id, Desired desired) {
  at(id).desired = desired;
  enqueue(id);
  for (const auto one : at(id).instances) {
    at(one).desired = desired;
    enqueue(one);
  }
}

/// Ends the current run, or each of the current ones, although it is desired to run.
void Supervisor::want_stop(ServiceId id, StopCause cause) {
  const auto mark = [&](ServiceId one) {
    if (!is_up(at(one).state)) return;
    at(one).stop_wanted = cause;
    enqueue(one);
  };
  mark(id);
  for (const auto one : at(id).instances) mark(one);
}

/// It is not desired to run, and does not.
void Supervisor::come_to_rest(ServiceId id, Now now) {
  if (at(id).instance_of) return retire(id, now);
  enter(id, Stopped{}, now);
  publish(NoticeType::service_stopped, id);
}

void Supervisor::settle(Now now) {
  while (!queue_.empty()) {
    std::vector<ServiceId> batch;
    batch.swap(queue_);
    for (const auto id : batch) {
      at(id).is_queued = false;
      settle_one(id, now);
    }
  }
}

void Supervisor::settle_one(ServiceId id, Now now) {
  enum class Move { none, wait, start, stop, give_up };
  const Service& service = at(id);
  const bool is_wanted = service.desired == Desired::running;
  const bool has_instances = !service.instances.empty();
  const auto move = std::visit(
      overloaded{
          [&](const Stopped&) { return is_wanted ? Move::wait : Move::none; },
          [&](const Waiting&) { return is_wanted ? Move::start : Move::give_up; },
          [&](const Scheduled&) { return is_wanted || has_instances ? Move::none : Move::give_up; },
          [&](const Blocked&) { return is_wanted ? Move::start : Move::give_up; },
          [&](const BackingOff&) { return is_wanted ? Move::none : Move::give_up; },
          [](const PreparingStart&) { return Move::stop; },
          [](const Starting&) { return Move::stop; },
          [](const FinishingStart&) { return Move::stop; },
          [](const Running&) { return Move::stop; },
          [](const PreparingStop&) { return Move::none; },
          [](const Stopping&) { return Move::none; },
          [](const CleaningUp&) { return Move::none; },
          [](const Completed&) { return Move::none; },
          [](const Failed&) { return Move::none; },
      },
      service.state);
  switch (move) {
    case Move::none:
      return;
    case Move::wait:
      return definition(id).schedule ? plan_next(id, now) : enter(id, Waiting{}, now);
    case Move::start:
      return try_to_start(id, now);
    case Move::stop:
      return try_to_stop(id, now);
    case Move::give_up:
      come_to_rest(id, now);
  }
}

void Supervisor::try_to_start(ServiceId id, Now now) {
  Service& service = at(id);
  const auto gate = gate_of(id);
  if (const auto* closed = std::get_if<GateClosed>(&gate)) {
    if (auto* waiting = std::get_if<Waiting>(&service.state)) {
      waiting->reason = closed->reason;
    } else {
      enter(id, Waiting{closed->reason}, now);
    }
  } else if (const auto* broken = std::get_if<GateBroken>(&gate)) {
    const auto* blocked = std::get_if<Blocked>(&service.state);
    if (blocked && blocked->reason == broken->reason) return;
    enter(id, Blocked{broken->reason}, now);
    publish(NoticeType::service_blocked, id, broken->reason);
  } else {
    publish(NoticeType::service_starting, id);
    service.status.clear();
    service.watchdog.reset();
    if (hooks_of(id, HookKind::pre_start).empty()) return launch(id, now);
    enter(id, PreparingStart{start_hook(ServiceHook{id, HookKind::pre_start, 0}, 0, now.monotonic)}, now);
  }
}

void Supervisor::launch(ServiceId id, Now now) {
  const RunId run{++last_run_};
  runs_.emplace(run, id);
  effects_.push_back(SpawnProcess{run, model_id(id)});
  const auto timeout = start_timeout_of(definition(id));
  enter(id,
        Starting{.process = {.run = run, .pid = {}, .began = now.monotonic},
                 .deadline = timeout ? std::optional(now.monotonic + *timeout) : std::nullopt},
        now);
}

void Supervisor::become_running(ServiceId id, const Process& process, Now now) {
  const auto watchdog = at(id).watchdog;
  enter(id, Running{process, watchdog ? std::optional(now.monotonic + *watchdog) : std::nullopt}, now);
  if (definition(id).kind == config::Kind::service) publish(NoticeType::service_ready, id);
  begin_checks(id, now);
}

// --- the way down ------------------------------------------------------------------------------------------

void Supervisor::try_to_stop(ServiceId id, Now now) {
  Service& service = at(id);
  if (service.desired == Desired::stopped) {
    if (may_stop(id)) begin_stop(id, StopCause::desired, {}, now);
  } else if (service.stop_wanted) {
    // A sick process is not kept alive for the sake of order; an orderly restart waits for those who restart
    // with it.
    if (*service.stop_wanted == StopCause::unhealthy || may_stop(id))
      begin_stop(id, *service.stop_wanted, {}, now);
  }
}

/// Those who build on it go first. On one that has no process yet nobody builds; its hooks may not lead to
/// one.
bool Supervisor::may_stop(ServiceId id) const {
  if (std::holds_alternative<PreparingStart>(at(id).state)) return true;
  bool is_free = true;
  for_each_dependent(id, [&](ServiceId dependent, const Dependent&) {
    const Service& other = at(dependent);
    const bool is_going = other.desired == Desired::stopped || other.stop_wanted || is_ending(other.state);
    if (is_going && is_active(other.state)) is_free = false;
  });
  return is_free;
}

void Supervisor::begin_stop(ServiceId id, StopCause cause, std::string reason, Now now) {
  const State state = at(id).state;
  leave_run(id);
  publish(NoticeType::service_stopping, id, reason);
  if (const auto* preparing = std::get_if<PreparingStart>(&state)) {
    auto hook = preparing->hook;
    expire(hook);
    const EndedRun nothing_ran{.cause = cause, .exit = {}, .uptime = {}, .reason = std::move(reason)};
    return enter(id, CleaningUp{nothing_ran, hook}, now);
  }
  if (const auto* hook = hook_of(state)) abandon_hook(*hook);
  const auto process = *process_of(state);
  const bool did_its_work = std::holds_alternative<Running>(state);
  if (!did_its_work || hooks_of(id, HookKind::pre_stop).empty()) {
    return send_stop(id, process, cause, std::move(reason), now);
  }
  const auto hook = start_hook(ServiceHook{id, HookKind::pre_stop, 0}, 0, now.monotonic);
  enter(id, PreparingStop{process, cause, std::move(reason), hook}, now);
}

void Supervisor::send_stop(ServiceId id, const Process& process, StopCause cause, std::string reason,
                           Now now) {
  const auto& stop = definition(id).stop;
  effects_.push_back(SignalProcess{process.run, stop.signal, Receiver::whole_containment});
  enter(id,
        Stopping{.process = process,
                 .cause = cause,
                 .reason = std::move(reason),
                 .exit = {},
                 .deadline = now.monotonic + stop.timeout},
        now);
}

/// The run is no longer one that others may build on.
void Supervisor::leave_run(ServiceId id) {
  end_checks(id);
  at(id).stop_wanted.reset();
  for_each_dependent(id, [this](ServiceId dependent, const Dependent& how) {
    Service& other = at(dependent);
    if (!how.restart || !is_up(other.state) || other.stop_wanted) return;
    other.stop_wanted = StopCause::dependency;
    enqueue(dependent);
  });
}

void Supervisor::end_run(ServiceId id, const Stopping& run, Now now) {
  const EndedRun ended{run.cause, *run.exit, now.monotonic - run.process.began, run.reason};
  runs_.erase(run.process.run);
  record_exit(id, {.time = now.wall,
                   .exit = ended.exit,
                   .cause = cause_of(ended.cause, ended.exit),
                   .uptime = ended.uptime});
  if (hooks_of(id, HookKind::post_stop).empty() || is_out_of_time()) return conclude_end(id, ended, now);
  enter(id, CleaningUp{ended, start_hook(ServiceHook{id, HookKind::post_stop, 0}, 0, now.monotonic)}, now);
}

void Supervisor::conclude_end(ServiceId id, const EndedRun& run, Now now) {
  Service& service = at(id);
  const auto& one = definition(id);
  const bool is_done_job = one.kind == config::Kind::job && !one.schedule &&
                           run.cause == StopCause::own_exit && is_success(one, run.exit);
  if (service.desired == Desired::stopped && !is_done_job) return come_to_rest(id, now);
  follow(id, decide_after_end(one, run, service.history, now.monotonic, next_spread()), run, now);
}

void Supervisor::follow(ServiceId id, const AfterEnd& decision, const EndedRun& run, Now now) {
  Service& service = at(id);
  const auto& own_name = name(id);  // an instance that is over has none
  const bool is_job = definition(id).kind == config::Kind::job;
  const bool is_scheduled = definition(id).schedule.has_value();
  const auto complete = [&] {
    publish(is_job || is_scheduled ? NoticeType::job_completed : NoticeType::service_stopped, id,
            is_job || is_scheduled ? "" : describe(run.exit));
    service.instance_of ? retire(id, now) : enter(id, Completed{}, now);
  };
  std::visit(overloaded{
                 [&](const StartAgain& again) {
                   if (run.cause != StopCause::restart && run.cause != StopCause::dependency &&
                       run.cause != StopCause::desired && run.cause != StopCause::replaced) {
                     ++at(model_id(id)).restarts[static_cast<std::size_t>(cause_of(run.cause, run.exit))];
                   }
                   if (again.delay == Duration::zero()) return enter(id, Waiting{}, now);
                   enter(id, BackingOff{now.monotonic + again.delay, again.reason}, now);
                 },
                 [&](const Complete&) { complete(); },
                 [&](const Fail& failure) { fail(id, failure.reason, run.exit, now); },
                 [&](const ShutDownGuest& end) {
                   if (end.is_success) {
                     complete();
                   } else {
                     fail(id, end.reason, run.exit, now);
                   }
                   auto reason = concat(own_name, ": ", end.reason);
                   shut_down({.status = end.is_success ? 0 : shell_status(run.exit),
                              .signal = run.exit.signal,
                              .is_oom_kill = run.exit.is_oom_kill,
                              .cause = "service",
                              .reason = reason},
                             reason, now);
                 },
             },
             decision);
}

void Supervisor::fail(ServiceId id, std::string reason, const Exit& exit, Now now) {
  if (definition(id).kind == config::Kind::job && !first_job_failure_) first_job_failure_ = exit;
  publish(NoticeType::service_failed, id, reason, {}, exit);
  if (at(id).instance_of) return retire(id, now);
  enter(id, Failed{std::move(reason)}, now);
}

void Supervisor::record_exit(ServiceId id, ExitRecord record) {
  auto& exits = at(model_id(id)).exits;
  if (exits.size() == remembered_exits) exits.erase(exits.begin());
  exits.push_back(std::move(record));
}

void Supervisor::enter(ServiceId id, State state, Now now) {
  Service& service = at(id);
  service.state = std::move(state);
  service.since = now.wall;
  is_guest_concluded_ = false;
  enqueue(id);
  enqueue_dependents(id);
  const auto enqueue_with_instances = [this](ServiceId one) {
    enqueue(one);
    for (const auto instance : at(one).instances) enqueue(instance);
  };
  for (const auto& dependency : graph_.dependencies(model_id(id)))
    enqueue_with_instances(ServiceId{dependency.service});
  if (service.instance_of) enqueue_with_instances(*service.instance_of);
}

}  // namespace kestrel::core
