#include "hostd/fleet/rollout.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel::hostd::rollout {

namespace {

using Condition = Replica::Condition;

constexpr Duration first_backoff = seconds(1);
constexpr Duration longest_backoff = minutes(1);

/// It has a place among the replicas.
bool is_there(const Replica& replica) {
  return replica.condition != Condition::leaving && replica.condition != Condition::ended;
}

/// Who goes first where some have to go: those that serve nobody, then the youngest.
bool goes_before(const Replica& one, const Replica& other) {
  const bool one_serves = one.condition == Condition::healthy;
  const bool other_serves = other.condition == Condition::healthy;
  if (one_serves != other_serves) return other_serves;
  return one.since > other.since;
}

/// One look at a deployment; its parts follow one another and see what the ones before have done.
class Look {
 public:
  Look(const Deployment& deployment, std::vector<Replica> replicas, FailureCount& failures, MonotonicTime now)
      : deployment_(deployment), replicas_(std::move(replicas)), failures_(failures), now_(now) {
    std::stable_sort(replicas_.begin(), replicas_.end(), goes_before);
  }

  Plan take() {
    forget_old_failures();
    remove_ended();
    retire_failed();
    if (roll_back()) return std::move(plan_);
    retire_surplus();
    retire_replaced();
    create_missing();
    conclude_update();
    return std::move(plan_);
  }

 private:
  bool is_of_target(const Replica& replica) const { return replica.revision == deployment_.target.number; }
  template <typename Predicate>
  unsigned count(Predicate matches) const {
    return static_cast<unsigned>(std::count_if(replicas_.begin(), replicas_.end(), matches));
  }
  unsigned healthy() const {
    return count([](const Replica& each) { return each.condition == Condition::healthy; });
  }
  unsigned of_target() const {
    return count([this](const Replica& each) { return is_there(each) && is_of_target(each); });
  }
  unsigned there() const { return count(is_there); }

  void look_again(MonotonicTime at) {
    plan_.next_look = plan_.next_look ? std::min(*plan_.next_look, at) : at;
  }
  void retire(Replica& replica, std::string reason) {
    replica.condition = Condition::leaving;
    plan_.actions.emplace_back(RetireReplica{replica.name, std::move(reason)});
  }
  void note_failure() {
    ++failures_.failures;
    failures_.last = now_;
  }

  void forget_old_failures() {
    if (failures_.failures > 0 && now_ - failures_.last > longest_backoff + backoff_after(failures_.failures))
      failures_ = {};
  }

  void remove_ended() {
    for (const Replica& replica : replicas_) {
      if (replica.condition != Condition::ended) continue;
      plan_.actions.emplace_back(RemoveReplica{replica.name});
      if (is_of_target(replica)) note_failure();
    }
    std::erase_if(replicas_, [](const Replica& each) { return each.condition == Condition::ended; });
  }

  void retire_failed() {
    for (Replica& replica : replicas_) {
      if (replica.condition != Condition::starting && replica.condition != Condition::unhealthy) continue;
      const MonotonicTime due = replica.since + deployment_.rollout.progress_timeout;
      if (now_ < due) {
        look_again(due);
        continue;
      }
      const std::string reason =
          concat("it is not healthy after ", format_duration(deployment_.rollout.progress_timeout));
      retire(replica, reason);
      if (!is_of_target(replica)) continue;
      note_failure();
      if (failure_reason_.empty()) failure_reason_ = concat(replica.name, ": ", reason);
    }
  }

  bool roll_back() {
    if (!deployment_.previous) return false;
    if (failure_reason_.empty() && failures_.failures >= deployment_.rollout.max_failures)
      failure_reason_ = concat(failures_.failures, " of its replicas failed");
    if (failure_reason_.empty()) return false;
    plan_.actions.emplace_back(RollBack{failure_reason_});
    return true;
  }

  void retire_surplus() {
    unsigned surplus = of_target() > deployment_.replicas ? of_target() - deployment_.replicas : 0;
    for (Replica& replica : replicas_) {
      if (surplus == 0) return;
      if (!is_there(replica) || !is_of_target(replica)) continue;
      retire(replica, "there are more than asked for");
      --surplus;
    }
  }

  /// Those of other revisions go as the new ones get healthy.
  void retire_replaced() {
    const unsigned unavailable = std::min(deployment_.rollout.max_unavailable, deployment_.replicas);
    const unsigned needed = deployment_.replicas - unavailable;
    for (Replica& replica : replicas_) {
      if (!is_there(replica) || is_of_target(replica)) continue;
      if (replica.condition == Condition::healthy && healthy() <= needed) continue;
      retire(replica, "it is replaced");
    }
  }

  void create_missing() {
    if (of_target() >= deployment_.replicas) return;
    const bool is_updating = there() > of_target();
    const unsigned most = deployment_.replicas + (is_updating ? deployment_.rollout.max_surge : 0);
    const unsigned room = most > there() ? most - there() : 0;
    const unsigned missing = std::min(room, deployment_.replicas - of_target());
    if (missing == 0) return;
    const MonotonicTime due = failures_.last + backoff_after(failures_.failures);
    if (failures_.failures > 0 && now_ < due) return look_again(due);
    for (unsigned made = 0; made < missing; ++made) plan_.actions.emplace_back(CreateReplica{});
  }

  void conclude_update() {
    if (!deployment_.previous || there() > of_target() || healthy() < deployment_.replicas) return;
    plan_.actions.emplace_back(ForgetPrevious{});
  }

  const Deployment& deployment_;
  std::vector<Replica> replicas_;
  FailureCount& failures_;
  MonotonicTime now_;
  std::string failure_reason_;
  Plan plan_;
};

}  // namespace

Duration backoff_after(unsigned failures) {
  if (failures == 0) return Duration::zero();
  Duration backoff = first_backoff;
  for (unsigned doubled = 1; doubled < failures && backoff < longest_backoff; ++doubled) backoff *= 2;
  return std::min(backoff, longest_backoff);
}

Plan plan(const Deployment& deployment, std::vector<Replica> replicas, FailureCount& failures,
          MonotonicTime now) {
  return Look(deployment, std::move(replicas), failures, now).take();
}

}  // namespace kestrel::hostd::rollout
