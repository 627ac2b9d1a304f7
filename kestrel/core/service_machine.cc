// One service's moves between its states. service_state.h tells the story; this is its text in code.
#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

constexpr std::size_t remembered_exits = 32;
/// A shell's words for "not found" and "cannot be executed" (POSIX, Exit Status for Commands).
constexpr int status_not_found = 127;
constexpr int status_cannot_execute = 126;

constexpr int error_no_such_file = 2;  // ENOENT; the core knows no OS headers

ExitCause cause_of(StopCause cause, const Exit& exit) {
  switch (cause) {
    case StopCause::desired:
    case StopCause::restart:
    case StopCause::dependency:
      return ExitCause::stop;
    case StopCause::unhealthy:
      return ExitCause::probe;
    case StopCause::start_timeout:
      return ExitCause::start_timeout;
    case StopCause::own_exit:
      break;
  }
  if (exit.is_oom_kill) return ExitCause::oom;
  return exit.signal != 0 ? ExitCause::signal : ExitCause::exit;
}

/// The run a state belongs to, for matching events.
std::optional<RunId> run_of(const State& state) {
  if (const auto* starting = std::get_if<Starting>(&state)) return starting->run;
  if (const auto* running = std::get_if<Running>(&state)) return running->run;
  if (const auto* stopping = std::get_if<Stopping>(&state)) return stopping->run;
  return std::nullopt;
}

}  // namespace

std::optional<ServiceId> Supervisor::find_run(RunId run) const {
  const auto subject = runs_.find(run);
  return subject == runs_.end() ? std::nullopt : std::optional(subject->second);
}

// --- events ----------------------------------------------------------------------------------------------

void Supervisor::on(const ProcessStarted& event, Now now) {
  const auto id = find_run(event.run);
  if (!id) return;
  Service& service = at(*id);
  if (auto* stopping = std::get_if<Stopping>(&service.state)) {
    stopping->pid = event.pid;
    return;
  }
  auto* starting = std::get_if<Starting>(&service.state);
  if (!starting) return;
  starting->pid = event.pid;
  publish(NoticeType::service_started, id, {}, event.pid);
  become_running(*id, event.run, event.pid, starting->began, now);
}

void Supervisor::become_running(ServiceId id, RunId run, int pid, MonotonicTime began, Now now) {
  enter(id, Running{run, pid, began}, now);
  if (definition(id).kind == config::Kind::service) publish(NoticeType::service_ready, id);
  begin_checks(id, now);
}

void Supervisor::on(const ProcessFailedToStart& event, Now now) {
  const auto id = find_run(event.run);
  if (!id) return handle_hook_failure(event, now);
  runs_.erase(event.run);
  Service& service = at(*id);
  const Exit exit{.code = event.error == error_no_such_file ? status_not_found : status_cannot_execute};
  record_exit(*id, {.time = now.wall, .exit = exit, .cause = ExitCause::exec_failed});
  leave_run(*id);
  if (service.desired == Desired::stopped) {
    enter(*id, Stopped{}, now);
    publish(NoticeType::service_stopped, id);
    return;
  }
  fail(*id, concat(event.cause, " (", event.stage, ")"), exit, now);
}

void Supervisor::on(const ProcessExited& event, Now now) {
  const auto id = find_run(event.run);
  if (!id) return handle_hook_exit(event, now);
  Service& service = at(*id);
  publish(NoticeType::service_exited, id, describe(event.exit), {}, event.exit);

  if (auto* stopping = std::get_if<Stopping>(&service.state)) {
    stopping->exit = event.exit;
    stopping->pid.reset();
    stopping->has_others = event.leaves_others;
    if (!stopping->has_others) end_run(*id, Stopping(*stopping), now);
    return;
  }
  const auto* starting = std::get_if<Starting>(&service.state);
  const auto* running = std::get_if<Running>(&service.state);
  const Stopping ended{.run = event.run,
                       .cause = StopCause::own_exit,
                       .began = starting ? starting->began : running->began,
                       .exit = event.exit,
                       .has_others = event.leaves_others};
  leave_run(*id);
  if (!event.leaves_others) return end_run(*id, ended, now);
  effects_.push_back(KillProcesses{event.run});
  enter(*id, ended, now);
}

void Supervisor::on(const ProcessesGone& event, Now now) {
  const auto id = find_run(event.run);
  if (!id) return;
  auto* stopping = std::get_if<Stopping>(&at(*id).state);
  if (!stopping) return;
  stopping->has_others = false;
  if (stopping->exit) end_run(*id, Stopping(*stopping), now);
}

void Supervisor::on(const DeadlinePassed&, Now now) {
  pass_guest_deadline(now);
  for (std::uint32_t i = 0; i < services_.size(); ++i) pass_deadline(ServiceId{i}, now);
  for (std::uint32_t i = 0; i < checks_.size(); ++i) {
    const auto at = checks_[i].check.deadline();
    if (!at || *at > now.monotonic) continue;
    const auto step = checks_[i].check.handle_deadline(now, ProbeId{last_probe_ + 1});
    if (step.start_probe) ++last_probe_;
    take_step(CheckId{i}, step, now);
  }
}

void Supervisor::pass_deadline(ServiceId id, Now now) {
  Service& service = at(id);
  if (const auto* starting = std::get_if<Starting>(&service.state)) {
    if (starting->deadline && *starting->deadline <= now.monotonic)
      begin_stop(id, StopCause::start_timeout, now);
  } else if (auto* stopping = std::get_if<Stopping>(&service.state)) {
    if (!stopping->deadline || *stopping->deadline > now.monotonic) return;
    stopping->deadline.reset();
    effects_.push_back(KillProcesses{stopping->run});
  } else if (const auto* backing_off = std::get_if<BackingOff>(&service.state)) {
    if (backing_off->deadline <= now.monotonic) enter(id, Waiting{}, now);
  }
}

// --- settling: moving states towards what is desired -----------------------------------------------------

void Supervisor::enqueue(ServiceId id) {
  Service& service = at(id);
  if (service.is_queued) return;
  service.is_queued = true;
  queue_.push_back(id);
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
  const auto move = std::visit(overloaded{
                                   [&](const Stopped&) { return is_wanted ? Move::wait : Move::none; },
                                   [&](const Waiting&) { return is_wanted ? Move::start : Move::give_up; },
                                   [&](const Blocked&) { return is_wanted ? Move::start : Move::give_up; },
                                   [&](const BackingOff&) { return is_wanted ? Move::none : Move::give_up; },
                                   [](const Starting&) { return Move::stop; },
                                   [](const Running&) { return Move::stop; },
                                   [](const Stopping&) { return Move::none; },
                                   [](const Completed&) { return Move::none; },
                                   [](const Failed&) { return Move::none; },
                               },
                               service.state);
  switch (move) {
    case Move::none:
      return;
    case Move::wait:
      return enter(id, Waiting{}, now);
    case Move::start:
      return try_to_start(id, now);
    case Move::stop:
      return try_to_stop(id, now);
    case Move::give_up:
      enter(id, Stopped{}, now);
      publish(NoticeType::service_stopped, id);
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
    const RunId run{++last_run_};
    runs_.emplace(run, id);
    effects_.push_back(SpawnProcess{run, id});
    const auto timeout = definition(id).start_timeout;
    enter(id,
          Starting{.run = run,
                   .began = now.monotonic,
                   .deadline = timeout ? std::optional(now.monotonic + *timeout) : std::nullopt},
          now);
    publish(NoticeType::service_starting, id);
  }
}

void Supervisor::try_to_stop(ServiceId id, Now now) {
  Service& service = at(id);
  if (service.desired == Desired::stopped) {
    if (may_stop(id)) begin_stop(id, StopCause::desired, now);
  } else if (service.stop_wanted) {
    // A sick process is not kept alive for the sake of order; an orderly restart waits for those who restart
    // with it.
    if (*service.stop_wanted == StopCause::unhealthy || may_stop(id))
      begin_stop(id, *service.stop_wanted, now);
  }
}

bool Supervisor::may_stop(ServiceId id) const {
  for (const auto& dependent : graph_.dependents(id)) {
    const Service& other = at(dependent.service);
    const bool is_going = other.desired == Desired::stopped || other.stop_wanted ||
                          std::holds_alternative<Stopping>(other.state);
    if (is_going && run_of(other.state)) return false;
  }
  return true;
}

void Supervisor::begin_stop(ServiceId id, StopCause cause, Now now) {
  Service& service = at(id);
  const auto* starting = std::get_if<Starting>(&service.state);
  const auto* running = std::get_if<Running>(&service.state);
  const auto& stop = definition(id).stop;
  const Stopping stopping{.run = *run_of(service.state),
                          .cause = cause,
                          .pid = starting ? starting->pid : std::optional(running->pid),
                          .began = starting ? starting->began : running->began,
                          .deadline = now.monotonic + stop.timeout};
  effects_.push_back(SignalProcess{stopping.run, stop.signal, Receiver::whole_containment});
  leave_run(id);
  enter(id, stopping, now);
  publish(NoticeType::service_stopping, id);
}

/// The run is no longer one that others may build on.
void Supervisor::leave_run(ServiceId id) {
  end_checks(id);
  at(id).stop_wanted.reset();
  for (const auto& dependent : graph_.dependents(id)) {
    Service& other = at(dependent.service);
    const bool is_up =
        std::holds_alternative<Starting>(other.state) || std::holds_alternative<Running>(other.state);
    if (!dependent.restart || !is_up || other.stop_wanted) continue;
    other.stop_wanted = StopCause::dependency;
    enqueue(dependent.service);
  }
}

void Supervisor::end_run(ServiceId id, const Stopping& run, Now now) {
  const Service& service = at(id);
  const EndedRun ended{run.cause, *run.exit, now.monotonic - run.began};
  runs_.erase(run.run);
  record_exit(id, {.time = now.wall,
                   .exit = ended.exit,
                   .cause = cause_of(ended.cause, ended.exit),
                   .uptime = ended.uptime});
  const bool is_done_job = definition(id).kind == config::Kind::job && ended.cause == StopCause::own_exit &&
                           is_success(definition(id), ended.exit);
  if (service.desired == Desired::stopped && !is_done_job) {
    enter(id, Stopped{}, now);
    publish(NoticeType::service_stopped, id);
    return;
  }
  conclude_end(id, ended, now);
}

void Supervisor::conclude_end(ServiceId id, const EndedRun& run, Now now) {
  Service& service = at(id);
  const bool is_job = definition(id).kind == config::Kind::job;
  const auto complete = [&] {
    enter(id, Completed{}, now);
    publish(is_job ? NoticeType::job_completed : NoticeType::service_stopped, id,
            is_job ? "" : describe(run.exit));
  };
  std::visit(overloaded{
                 [&](const StartAgain& again) {
                   const bool is_automatic = run.cause == StopCause::own_exit ||
                                             run.cause == StopCause::unhealthy ||
                                             run.cause == StopCause::start_timeout;
                   if (is_automatic) ++service.restarts;
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
                   auto reason = concat(name(id), ": ", end.reason);
                   shut_down({.status = end.is_success ? 0 : shell_status(run.exit),
                              .signal = run.exit.signal,
                              .is_oom_kill = run.exit.is_oom_kill,
                              .cause = "service",
                              .reason = reason},
                             reason, now);
                 },
             },
             decide_after_end(definition(id), run, service.history, now.monotonic, next_spread()));
}

void Supervisor::fail(ServiceId id, std::string reason, const Exit& exit, Now now) {
  if (definition(id).kind == config::Kind::job && !first_job_failure_) first_job_failure_ = exit;
  publish(NoticeType::service_failed, id, reason, {}, exit);
  enter(id, Failed{std::move(reason)}, now);
}

void Supervisor::record_exit(ServiceId id, ExitRecord record) {
  auto& exits = at(id).exits;
  if (exits.size() == remembered_exits) exits.erase(exits.begin());
  exits.push_back(std::move(record));
}

void Supervisor::enter(ServiceId id, State state, Now now) {
  Service& service = at(id);
  service.state = std::move(state);
  service.since = now.wall;
  is_guest_concluded_ = false;
  enqueue(id);
  for (const auto& dependent : graph_.dependents(id)) enqueue(dependent.service);
  for (const auto& dependency : graph_.dependencies(id)) enqueue(ServiceId{dependency.service});
}

}  // namespace kestrel::core
