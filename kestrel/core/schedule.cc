// Services that run by the wall clock: when they are due, and the instances that they begin then.
//
// The wall clock may be set at any moment, and no timer tells. So a scheduled service keeps the time it is
// due and looks at the clock again when it was set, and at least once a minute, should nobody say so.
#include <algorithm>

#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

constexpr Duration longest_look_away = minutes(1);

/// With `allow`: so many hanging runs, and not as many as fit the guest, are what a schedule leads to.
constexpr std::size_t most_instances = 32;

MonotonicTime next_look(WallTime at, Now now) {
  const Duration left = at - now.wall;
  return now.monotonic + std::clamp(left, Duration::zero(), longest_look_away);
}

}  // namespace

void Supervisor::plan_next(ServiceId id, Now now) {
  const auto at = next_due_ ? next_due_(*definition(id).schedule, now.wall) : std::nullopt;
  if (!at) return enter(id, Failed{"its schedule is never due"}, now);
  enter(id, Scheduled{*at, next_look(*at, now)}, now);
}

void Supervisor::on(const ClockWasSet&, Now now) {
  for (std::uint32_t i = 0; i < service_count(); ++i) {
    if (std::holds_alternative<Scheduled>(services_[i].state)) check_schedule(ServiceId{i}, now);
  }
}

void Supervisor::check_schedule(ServiceId id, Now now) {
  auto& scheduled = std::get<Scheduled>(at(id).state);
  if (now.wall >= scheduled.at) {
    if (at(id).desired == Desired::running) fall_due(id, now);
    return plan_next(id, now);
  }
  // A clock that was set back makes earlier times due again.
  const auto again = next_due_(*definition(id).schedule, now.wall);
  if (again) scheduled.at = std::min(scheduled.at, *again);
  scheduled.deadline = next_look(scheduled.at, now);
}

void Supervisor::fall_due(ServiceId id, Now now) {
  const auto under_way = at(id).instances.size();
  switch (definition(id).schedule->concurrency) {
    case config::Overlap::forbid:
      if (under_way == 0) break;
      return publish(NoticeType::service_skipped, id, "due while the run before it is under way");
    case config::Overlap::replace:
      if (replace_instances(id, now)) return;
      break;
    case config::Overlap::allow:
      if (under_way < most_instances) break;
      return publish(NoticeType::service_skipped, id, concat("due while ", under_way, " runs are under way"));
  }
  begin_instance(id, now);
}

/// Ends what has a process; true if an instance is left that is about to have one and so is the next run.
bool Supervisor::replace_instances(ServiceId id, Now now) {
  bool has_next = false;
  for (const auto one : at(id).instances) {
    Service& instance = at(one);
    if (!is_active(instance.state)) {
      has_next = true;
      instance.history = {};
      if (std::holds_alternative<BackingOff>(instance.state)) enter(one, Waiting{}, now);
      continue;
    }
    instance.desired = Desired::stopped;
    if (is_up(instance.state)) begin_stop(one, StopCause::replaced, "its schedule is due again", now);
  }
  return has_next;
}

/// For who does not want to wait until it is due; false if a run is up or about to be.
bool Supervisor::run_now(ServiceId id, Now now) {
  const bool runs_alone = definition(id).schedule->concurrency != config::Overlap::allow;
  for (const auto one : at(id).instances) {
    Service& instance = at(one);
    if (std::holds_alternative<BackingOff>(instance.state)) {
      instance.history = {};
      enter(one, Waiting{}, now);
      return true;
    }
    if (!is_ending(instance.state)) return false;
    if (runs_alone) instance.desired = Desired::stopped;
  }
  begin_instance(id, now);
  return true;
}

void Supervisor::begin_instance(ServiceId id, Now now) {
  const auto is_free = [](const Service& one) { return !one.instance_of; };
  const auto first = services_.begin() + static_cast<std::ptrdiff_t>(service_count());
  auto place = std::find_if(first, services_.end(), is_free);
  if (place == services_.end()) place = services_.emplace(services_.end());
  const ServiceId instance{static_cast<std::uint32_t>(place - services_.begin())};
  place->desired = Desired::running;
  place->instance_of = id;
  at(id).instances.push_back(instance);
  enter(instance, Waiting{}, now);
}

/// The instance is over: its place is free, and its service may be free to stop.
void Supervisor::retire(ServiceId id, Now now) {
  enter(id, Stopped{}, now);
  Service& instance = at(id);
  std::erase(at(*instance.instance_of).instances, id);
  const bool is_queued = instance.is_queued;
  instance = {};
  instance.is_queued = is_queued;
}

bool Supervisor::must_wait_for_another_instance(ServiceId id) const {
  const auto service = at(id).instance_of;
  if (!service || definition(id).schedule->concurrency == config::Overlap::allow) return false;
  const auto& instances = at(*service).instances;
  return std::any_of(instances.begin(), instances.end(),
                     [&](ServiceId one) { return one != id && is_active(at(one).state); });
}

}  // namespace kestrel::core
