#include "hostd/fleet/vm_tracker.h"

#include <utility>

#include "kestrel/base/overloaded.h"

namespace kestrel::hostd {

using namespace tracking;

namespace {

/// A runner answers some 10 ms after its start; at first it is asked often, so that a quick boot is seen.
constexpr Duration dial_interval = milliseconds(20);
constexpr Duration launch_patience = seconds(10);
/// Of one that has stopped to answer.
constexpr Duration redial_interval = milliseconds(500);
/// What a runner may take beyond the deadlines that it watches itself.
constexpr Duration stop_margin = seconds(15);
constexpr Duration lock_interval = milliseconds(5);
/// From a run's last record to its runner's end.
constexpr Duration closing_patience = seconds(10);
/// Until the registry is tried again.
constexpr Duration retry_interval = seconds(1);

std::optional<StopForce> stronger(std::optional<StopForce> one, StopForce other) {
  return one == StopForce::immediate ? one : other;
}

}  // namespace

Effects VmTracker::handle(const Event& event, MonotonicTime now) {
  now_ = now;
  std::visit([this](const auto& happened) { on(happened); }, event);
  return std::exchange(effects_, {});
}

std::optional<MonotonicTime> VmTracker::deadline() const {
  return std::visit(
      overloaded{
          [](const Resting&) -> std::optional<MonotonicTime> { return std::nullopt; },
          [](const Looking& looking) -> std::optional<MonotonicTime> { return looking.dial_at; },
          [](const Attached& attached) -> std::optional<MonotonicTime> {
            if (attached.ending == Attached::Ending::none) return std::nullopt;
            return attached.deadline;
          },
          [](const Unreachable& lost) -> std::optional<MonotonicTime> { return lost.dial_at; },
          [](const Closing& closing) -> std::optional<MonotonicTime> { return closing.next_at; },
      },
      state_);
}

// --- what is wanted ---------------------------------------------------------------------------------------

void VmTracker::on(const StartWanted&) {
  if (!is_resting()) return;
  effects_.emplace_back(LaunchRunner{});
  state_ = Looking{now_ + dial_interval, now_ + launch_patience, true, std::nullopt};
}

void VmTracker::on(const Resumed&) {
  if (!is_resting()) return;
  effects_.emplace_back(Dial{});
  state_ = Looking{now_ + redial_interval, now_, false, std::nullopt};
}

void VmTracker::on(const StopWanted& event) {
  if (auto* attached = std::get_if<Attached>(&state_)) return stop(*attached, event.force);
  if (auto* looking = std::get_if<Looking>(&state_)) looking->stop = stronger(looking->stop, event.force);
  if (auto* lost = std::get_if<Unreachable>(&state_)) {
    lost->stop = stronger(lost->stop, event.force);
    kill_if(event.force);
  }
}

void VmTracker::stop(Attached& attached, StopForce force) {
  if (force == StopForce::immediate && attached.ending < Attached::Ending::told) {
    attached = {Attached::Ending::told, now_ + stop_margin};
    effects_.emplace_back(AskToStop{StopForce::immediate});
  } else if (force == StopForce::orderly && attached.ending == Attached::Ending::none) {
    attached = {Attached::Ending::asked, now_ + shutdown_timeout_ + stop_margin};
    effects_.emplace_back(AskToStop{StopForce::orderly});
  }
}

void VmTracker::escalate(Attached& attached) {
  if (attached.ending == Attached::Ending::asked) return stop(attached, StopForce::immediate);
  attached = {Attached::Ending::killed, now_ + stop_margin};
  effects_.emplace_back(KillRunner{});
}

// --- what is found out ------------------------------------------------------------------------------------

void VmTracker::on(const RunnerAnswered&) {
  std::optional<StopForce> stop_wanted;
  if (const auto* looking = std::get_if<Looking>(&state_))
    stop_wanted = looking->stop;
  else if (const auto* lost = std::get_if<Unreachable>(&state_))
    stop_wanted = lost->stop;
  else
    return;
  state_ = Attached{};
  if (stop_wanted) stop(std::get<Attached>(state_), *stop_wanted);
}

void VmTracker::on(const DialFailed& event) {
  std::optional<StopForce> stop_wanted;
  if (auto* looking = std::get_if<Looking>(&state_)) {
    stop_wanted = looking->stop;
    if (looking->has_child) {
      looking->dial_at = now_ + dial_interval;
      if (now_ < looking->give_up_at) return;
      // It lives, and is still about to take its lock.
      if (event.lock == FolderLock::free) return kill_if(stop_wanted);
    }
  } else if (const auto* lost = std::get_if<Unreachable>(&state_)) {
    stop_wanted = lost->stop;
  } else {
    return;
  }
  if (event.lock == FolderLock::free) return close();
  state_ = Unreachable{now_ + redial_interval, stop_wanted};
  kill_if(stop_wanted);
}

/// Who does not answer cannot be told to end.
void VmTracker::kill_if(std::optional<StopForce> wanted) {
  if (wanted == StopForce::immediate) effects_.emplace_back(KillRunner{});
}

void VmTracker::on(const ChildEnded&) {
  if (auto* looking = std::get_if<Looking>(&state_)) {
    looking->has_child = false;
    looking->give_up_at = now_;
    looking->dial_at = now_ + redial_interval;
    // Another runner may have the name: whoever answers is the VM's.
    effects_.emplace_back(Dial{});
  }
}

void VmTracker::on(const FollowingEnded& event) {
  if (!std::holds_alternative<Attached>(state_)) return;
  if (event.has_ended || event.lock == FolderLock::free) return close();
  const auto ending = std::get<Attached>(state_).ending;
  std::optional<StopForce> stop_wanted;
  if (ending != Attached::Ending::none)
    stop_wanted = ending == Attached::Ending::asked ? StopForce::orderly : StopForce::immediate;
  state_ = Unreachable{now_ + dial_interval, stop_wanted};
}

// --- the end of a run -------------------------------------------------------------------------------------

void VmTracker::close() {
  state_ = Closing{Closing::Step::unlocking, now_ + lock_interval, now_ + closing_patience};
  effects_.emplace_back(LookAtLock{});
}

void VmTracker::on(const LockLooked& event) {
  auto* closing = std::get_if<Closing>(&state_);
  if (closing == nullptr || closing->step != Closing::Step::unlocking) return;
  if (event.lock == FolderLock::free) {
    closing->step = Closing::Step::concluding;
    closing->next_at = now_ + retry_interval;
    effects_.emplace_back(ConcludeRun{});
    return;
  }
  closing->next_at = now_ + lock_interval;
  if (now_ < closing->kill_at) return;
  closing->kill_at = now_ + closing_patience;
  effects_.emplace_back(KillRunner{});
}

void VmTracker::on(const ConcludedRun&) {
  if (std::holds_alternative<Closing>(state_)) state_ = Resting{};
}

void VmTracker::on(const ConcludingFailed&) {
  if (auto* closing = std::get_if<Closing>(&state_)) closing->next_at = now_ + retry_interval;
}

void VmTracker::on(const DeadlinePassed&) {
  const auto due = deadline();
  if (!due || now_ < *due) return;
  std::visit(overloaded{
                 [](Resting&) {},
                 [this](Looking& looking) {
                   looking.dial_at = now_ + redial_interval;
                   effects_.emplace_back(Dial{});
                 },
                 [this](Attached& attached) { escalate(attached); },
                 [this](Unreachable& lost) {
                   lost.dial_at = now_ + redial_interval;
                   effects_.emplace_back(Dial{});
                 },
                 [this](Closing& closing) {
                   closing.next_at = now_ + retry_interval;
                   if (closing.step == Closing::Step::unlocking) effects_.emplace_back(LookAtLock{});
                   if (closing.step == Closing::Step::concluding) effects_.emplace_back(ConcludeRun{});
                 },
             },
             state_);
}

}  // namespace kestrel::hostd
