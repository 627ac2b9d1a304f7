#include "hostd/daemon/deployments.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

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

/// A deployment, and what is known of it in this hostd's life alone.
struct Deployments::Entry {
  struct Seen {
    Replica::Condition condition;
    MonotonicTime since;
  };
  Deployment model;
  FailureCount failures;
  std::map<std::string, Seen> seen;
  /// Replicas that get no connections any more, and until when they keep those they have.
  std::map<std::string, MonotonicTime> draining;
  Balancer balancer;
  std::string port_problem;
  loop::Timer timer;
  std::optional<MonotonicTime> next_look;
};

Deployments::Deployments(loop::Loop& loop, Registry& registry, Fleet& fleet)
    : loop_(loop), registry_(registry), fleet_(fleet) {
  fleet_.on_change([this](ManagedVm& vm) { changed(vm); });
}

Deployments::~Deployments() = default;

Result<void> Deployments::open() {
  auto models = registry_.deployments();
  if (!models) return models.error();
  for (Deployment& model : *models) publish(add(std::move(model)));
  return {};
}

Deployments::Entry& Deployments::add(Deployment model) {
  const std::string name = model.name;
  auto entry = std::make_unique<Entry>(
      Entry{std::move(model),
            {},
            {},
            {},
            Balancer(loop_, [this, name] { return folders_of_healthy(*entries_.at(name)); }),
            {},
            loop::Timer(loop_, [this, name] { look(name); }),
            {}});
  look_soon(*entry);
  return *entries_.emplace(name, std::move(entry)).first->second;
}

// --- what users ask for
// -------------------------------------------------------------------------------------

Result<void> Deployments::create(const DeploymentRequest& request) {
  const std::string what = concat("cannot create deployment ", printable(request.name));
  if (const std::string problem = problem_of(request); !problem.empty())
    return Error{concat(what, ": ", problem), EINVAL};
  if (has(request.name)) return Error{concat(what, ": there is one of that name"), EEXIST};
  Deployment model;
  model.name = request.name;
  model.replicas = request.replicas;
  model.rollout = request.rollout;
  model.created = sys::wall_now();
  for (const std::string& text : request.publish) {
    auto port = parse_published_port(text);
    if (!port) return Error{port.error().message, EINVAL};
    model.publish.push_back(std::move(*port));
  }
  VmRequest wanted = request.vm;
  wanted.name = request.name;
  auto spec = fleet_.resolve(wanted);
  if (!spec) return spec.error().in(what);
  model.target = {1, request.vm, std::move(*spec)};

  Entry& entry = add(std::move(model));
  auto opened = entry.balancer.open(entry.model.publish);
  if (opened) {
    // A port that was picked stays the same from now on.
    Deployment saved = entry.model;
    saved.publish = entry.balancer.ports();
    opened = save(entry, std::move(saved), "deployment.created", "{}");
  }
  if (!opened) entries_.erase(request.name);
  return opened;
}

Result<void> Deployments::change(const DeploymentRequest& request) {
  const std::string what = concat("cannot change deployment ", request.name);
  Entry& entry = *entries_.at(request.name);
  const DeploymentRequest current = request_of(entry.model);
  if (entry.model.is_leaving) return Error{concat(what, ": it is being deleted"), EBUSY};
  if (const std::string problem = problem_of(request); !problem.empty())
    return Error{concat(what, ": ", problem), EINVAL};
  if (request.publish != current.publish)
    return Error{concat(what, ": its ports stay as they were when it was created"), EINVAL};
  VmRequest wanted = request.vm;
  wanted.name = request.name;
  auto spec = fleet_.resolve(wanted);
  if (!spec) return spec.error().in(what);

  Deployment next = entry.model;
  next.replicas = request.replicas;
  next.rollout = request.rollout;
  if (next.target.request == request.vm && next.target.spec == *spec) {
    if (next == entry.model) return {};
    return save(entry, std::move(next), "deployment.scaled", concat("{\"replicas\":", request.replicas, '}'));
  }
  // What an unfinished update was to replace is still what serves.
  if (!next.previous) next.previous = next.target;
  next.target = {++next.last_revision, request.vm, std::move(*spec)};
  next.rollback_reason.clear();
  entry.failures = {};
  const unsigned revision = next.target.number;
  return save(entry, std::move(next), "deployment.updating", concat("{\"revision\":", revision, '}'));
}

Result<void> Deployments::remove(const std::string& name) {
  Entry& entry = *entries_.at(name);
  Deployment next = entry.model;
  next.replicas = 0;
  next.is_leaving = true;
  return save(entry, std::move(next), "deployment.deleting", "{}");
}

Result<void> Deployments::save(Entry& entry, Deployment next, std::string_view event, std::string_view more) {
  const FleetEvent told = event_of_deployment(event, next.name, sys::wall_now(), more);
  const auto saved = registry_.transact([&]() -> Result<void> {
    const auto appended = registry_.append_event("", told.name, told.members);
    return appended ? registry_.save(next) : appended.error();
  });
  if (!saved) return saved.error().in(concat("cannot change deployment ", next.name));
  entry.model = std::move(next);
  look_soon(entry);
  fleet_.tell_events();
  return {};
}

// --- what is planned
// ----------------------------------------------------------------------------------------

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
  const auto removed = registry_.transact([&]() -> Result<void> {
    const auto appended = registry_.append_event("", event.name, event.members);
    return appended ? registry_.remove_deployment(name) : appended.error();
  });
  if (!removed) {
    log_error("cannot delete deployment ", name, ": ", removed.error().message);
    return look_soon(entry, publish_interval);
  }
  // Its timer is what calls.
  loop_.post([gone = std::shared_ptr<Entry>(std::move(entries_.at(name)))] {});
  entries_.erase(name);
  fleet_.tell_events();
}

// --- what users see
// -----------------------------------------------------------------------------------------

std::vector<std::string> Deployments::folders_of_healthy(const Entry& entry) const {
  std::vector<std::string> folders;
  for (const ManagedVm* vm : fleet_.vms()) {
    const VmRecord& record = vm->record();
    if (record.replica.deployment != entry.model.name || entry.draining.contains(record.name)) continue;
    if (vm->state_name() == "healthy") folders.push_back(record.spec.runtime_dir);
  }
  return folders;
}

DeploymentView Deployments::view(std::string_view name) const {
  const Entry& entry = *entries_.find(name)->second;
  DeploymentView view{entry.model, {}, 0, 0, entry.balancer.ports(), entry.port_problem};
  for (const ManagedVm* vm : fleet_.vms()) {
    if (vm->record().replica.deployment != name) continue;
    view.replicas.push_back(vm);
    if (vm->state_name() != "healthy" || entry.draining.contains(vm->record().name)) continue;
    ++view.healthy;
    if (vm->record().replica.revision == entry.model.target.number) ++view.updated;
  }
  return view;
}

std::vector<std::string> Deployments::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

}  // namespace kestrel::hostd
