// Looking at deployments, and carrying out what is planned for them.
#include <nlohmann/json.hpp>

#include "hostd/daemon/deployment_entry.h"
#include "hostd/fleet/fleet_event.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"

namespace kestrel::hostd {

namespace {

/// While a replica is drained its runner is asked how many callers are left, so often.
constexpr Duration drain_interval = milliseconds(200);
/// Until a port that was taken is tried again.
constexpr Duration publish_interval = seconds(1);

Replica::Condition condition_of(const ManagedVm& vm) {
  if (!vm.record().is_wanted) return Replica::Condition::leaving;
  if (vm.is_resting()) return Replica::Condition::ended;
  const std::string_view state = vm.state_name();
  if (state == "healthy") return Replica::Condition::healthy;
  if (state == "unhealthy" || state == "paused") return Replica::Condition::unhealthy;
  if (state == "unknown") return Replica::Condition::unknown;
  return Replica::Condition::starting;
}

std::string reason_json(std::string_view reason) { return nlohmann::json({{"reason", reason}}).dump(); }

}  // namespace

void Deployments::changed(const ManagedVm& vm) {
  const auto found = entries_.find(vm.record().replica.deployment);
  if (found != entries_.end()) look_soon(*found->second);
}

void Deployments::look_by(Entry& entry, MonotonicTime at) {
  if (entry.next_look && *entry.next_look <= at) return;
  entry.next_look = at;
  entry.timer.arm(at);
}

void Deployments::look_soon(Entry& entry, Duration after) { look_by(entry, loop_.now() + after); }

std::vector<Replica> Deployments::replicas_of(Entry& entry) {
  std::vector<Replica> replicas;
  std::map<std::string, Entry::Seen> seen;
  const MonotonicTime now = loop_.now();
  for (const ManagedVm* vm : fleet_.vms()) {
    const VmRecord& record = vm->record();
    if (record.replica.deployment != entry.model.name) continue;
    const auto condition =
        entry.draining.contains(record.name) ? Replica::Condition::leaving : condition_of(*vm);
    const auto before = entry.seen.find(record.name);
    const bool is_same = before != entry.seen.end() && before->second.condition == condition;
    const MonotonicTime since = is_same ? before->second.since : now;
    seen[record.name] = {condition, since};
    replicas.push_back({record.name, record.replica.revision, condition, since});
  }
  entry.seen = std::move(seen);
  return replicas;
}

void Deployments::look(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  entry.next_look.reset();
  if (!entry.balancer.is_open()) publish(entry);
  advance_leaving(entry);
  const auto plan = rollout::plan(entry.model, replicas_of(entry), entry.failures, loop_.now());
  for (const rollout::Action& action : plan.actions)
    std::visit([&](const auto& wanted) { carry_out(entry, wanted); }, action);
  if (plan.next_look) look_by(entry, *plan.next_look);
  remove_if_empty(name);
}

/// Drained replicas are stopped, stopped ones removed.
void Deployments::advance_leaving(Entry& entry) {
  for (ManagedVm* vm : fleet_.vms()) {
    const std::string name = vm->record().name;
    if (vm->record().replica.deployment != entry.model.name) continue;
    const auto drained = entry.draining.find(name);
    if (vm->is_resting() && (drained != entry.draining.end() || !vm->record().is_wanted)) {
      const auto removed = fleet_.remove(name);
      if (!removed) log_error(removed.error().message);
      if (removed) entry.draining.erase(name);
    } else if (drained != entry.draining.end() && vm->record().is_wanted) {
      const bool has_callers = vm->status() && vm->status()->connections > 0;
      if (has_callers && loop_.now() < drained->second) {
        vm->refresh();
        look_soon(entry, drain_interval);
      } else if (const auto stopped = vm->stop(StopForce::orderly); !stopped) {
        log_error(stopped.error().message);
        look_soon(entry, drain_interval);
      }
    }
  }
}

void Deployments::carry_out(Entry& entry, const rollout::CreateReplica&) {
  const auto vm = fleet_.create(entry.model.target, entry.model.name);
  const auto started = vm ? (*vm)->start() : vm.error();
  if (started) return;
  log_error(started.error().message);
  // What was not started is found with the next look: it has ended.
  ++entry.failures.failures;
  entry.failures.last = loop_.now();
  look_soon(entry, rollout::backoff_after(entry.failures.failures));
}

void Deployments::carry_out(Entry& entry, const rollout::RetireReplica& action) {
  ManagedVm* const vm = fleet_.find(action.name);
  if (vm == nullptr) return;
  log_info(action.name, " goes: ", action.reason);
  const bool is_drained = entry.balancer.is_open() && vm->state_name() == "healthy";
  entry.draining[action.name] =
      loop_.now() + (is_drained ? entry.model.rollout.drain_timeout : Duration::zero());
  // Who calls now may have come a moment ago.
  vm->refresh();
  look_soon(entry, is_drained ? drain_interval : Duration::zero());
}

void Deployments::carry_out(Entry& entry, const rollout::RemoveReplica& action) {
  if (const auto removed = fleet_.remove(action.name); !removed) log_error(removed.error().message);
  look_soon(entry, rollout::backoff_after(entry.failures.failures));
}

void Deployments::carry_out(Entry& entry, const rollout::ForgetPrevious&) {
  Deployment next = entry.model;
  next.previous.reset();
  const unsigned revision = next.target.number;
  const auto saved =
      save(entry, std::move(next), "deployment.updated", concat("{\"revision\":", revision, '}'));
  if (!saved) log_error(saved.error().message);
}

void Deployments::carry_out(Entry& entry, const rollout::RollBack& action) {
  Deployment next = entry.model;
  next.target = *next.previous;
  next.previous.reset();
  next.rollback_reason = action.reason;
  entry.failures = {};
  const auto saved = save(entry, std::move(next), "deployment.rolled_back", reason_json(action.reason));
  if (!saved) log_error(saved.error().message);
}

void Deployments::publish(Entry& entry) {
  if (entry.model.publish.empty() || entry.model.is_leaving) return;
  const auto opened = entry.balancer.open(entry.model.publish);
  entry.port_problem = opened ? "" : opened.error().message;
  if (opened) return;
  log_error(entry.port_problem);
  look_soon(entry, publish_interval);
}

void Deployments::remove_if_empty(const std::string& name) {
  Entry& entry = *entries_.at(name);
  if (!entry.model.is_leaving) return;
  for (const ManagedVm* vm : fleet_.vms()) {
    if (vm->record().replica.deployment == name) return;
  }
  const FleetEvent event = event_of_deployment("deployment.deleted", name, sys::wall_now());
  const auto removed = registry_.commit("", event, [&] { return registry_.remove_deployment(name); });
  if (!removed) {
    log_error("cannot delete deployment ", name, ": ", removed.error().message);
    return look_soon(entry, publish_interval);
  }
  // Its timer is what calls.
  loop_.post([gone = std::shared_ptr<Entry>(std::move(entries_.at(name)))] {});
  entries_.erase(name);
  fleet_.tell_events();
}

}  // namespace kestrel::hostd
