// Services that run by the wall clock.
//
// The wall clock may be stepped at any moment, and no timer tells. So a scheduled service keeps the time it
// is due, and looks at the clock again at least once a minute.
#include <algorithm>

#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

constexpr Duration longest_look_away = minutes(1);

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

void Supervisor::check_schedule(ServiceId id, Now now) {
  auto& scheduled = std::get<Scheduled>(at(id).state);
  if (now.wall >= scheduled.at) return enter(id, Waiting{}, now);
  // A clock that was set back makes earlier times due again.
  const auto again = next_due_(*definition(id).schedule, now.wall);
  if (again) scheduled.at = std::min(scheduled.at, *again);
  scheduled.deadline = next_look(scheduled.at, now);
}

/// When the next run is to take the place of the one that begins now.
std::optional<MonotonicTime> Supervisor::replacement_deadline(ServiceId id, Now now) const {
  const auto& schedule = definition(id).schedule;
  if (!schedule || schedule->concurrency != config::Overlap::replace || !next_due_) return std::nullopt;
  const auto at = next_due_(*schedule, now.wall);
  return at ? std::optional<MonotonicTime>(now.monotonic + (*at - now.wall)) : std::nullopt;
}

}  // namespace kestrel::core
