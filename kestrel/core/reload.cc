// Changing the configuration of a running guest. Services whose process would be another one are stopped
// under the old model first, in order; then, at one moment, the new model takes over and everything else goes
// on as if nothing had been.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "kestrel/base/overloaded.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

Reply Supervisor::reload(SharedModel model, Now now) {
  if (!std::holds_alternative<Up>(guest_)) {
    return {.verdict = Reply::Verdict::gone, .message = "the guest is not up"};
  }
  if (next_model_) return {.verdict = Reply::Verdict::conflict, .message = "another reload is under way"};
  plan_ = plan_reload(*model_, *model);
  next_model_ = std::move(model);
  resumed_.clear();
  Reply reply;
  const auto stop = [&](const std::string& one, bool comes_back) {
    const auto id = *find(one);
    Service& service = at(id);
    if (comes_back && service.desired == Desired::running) resumed_.push_back(one);
    want(id, Desired::stopped);
    reply.changed.push_back(id);
  };
  for (const auto& one : plan_.removed) stop(one, false);
  for (const auto& one : plan_.restarted) stop(one, true);
  is_guest_concluded_ = false;
  settle(now);
  return reply;
}

/// What the reload stops is at rest.
bool Supervisor::is_ready_to_adopt() const {
  if (!next_model_) return false;
  const auto is_at_rest = [this](const std::string& one) { return !is_any(*find(one), is_active); };
  return std::all_of(plan_.removed.begin(), plan_.removed.end(), is_at_rest) &&
         std::all_of(plan_.restarted.begin(), plan_.restarted.end(), is_at_rest);
}

/// The one moment at which ids change their meaning.
void Supervisor::adopt_model(Now now) {
  const auto new_ids = find_new_ids();
  // What the old checks point to lives until they are gone.
  const auto old_model = std::exchange(model_, std::exchange(next_model_, nullptr));
  const auto old_definitions = std::exchange(readiness_definitions_, {});
  graph_ = ServiceGraph(*model_);
  queue_.clear();  // of old ids; what follows adds new ones
  move_services(new_ids, *old_model, now);
  carry_over_checks(new_ids, now);
  rename_runs(new_ids);
  for (std::uint32_t i = 0; i < services_.size(); ++i) enqueue(ServiceId{i});
  is_guest_concluded_ = false;
  effects_.push_back(AdoptModel{});
  publish(NoticeType::vm_reloaded);
}

Supervisor::NewIds Supervisor::find_new_ids() const {
  std::unordered_map<std::string_view, ServiceId> by_name;
  for (std::uint32_t i = 0; i < next_model_->services.size(); ++i)
    by_name.emplace(next_model_->services[i].name, ServiceId{i});
  NewIds new_ids(services_.size());
  for (std::uint32_t i = 0; i < model_->services.size(); ++i) {
    const auto found = by_name.find(model_->services[i].name);
    if (found != by_name.end()) new_ids[i] = found->second;
  }
  // Instances go behind the new model's services. Those of services that are stopped have ended by now.
  auto next = static_cast<std::uint32_t>(next_model_->services.size());
  for (auto i = static_cast<std::uint32_t>(model_->services.size()); i < services_.size(); ++i) {
    if (services_[i].instance_of) new_ids[i] = ServiceId{next++};
  }
  return new_ids;
}

/// Each service takes its state along; one whose process is to be another takes only its past.
void Supervisor::move_services(const NewIds& new_ids, const config::Model& old_model, Now now) {
  const std::unordered_set<std::string_view> restarted(plan_.restarted.begin(), plan_.restarted.end());
  const std::unordered_set<std::string_view> resumed(resumed_.begin(), resumed_.end());
  std::deque<Service> moved(model_->services.size());
  for (auto& service : moved) {
    service.desired = Desired::running;
    service.since = now.wall;
  }
  for (std::uint32_t i = 0; i < old_model.services.size(); ++i) {
    if (!new_ids[i]) continue;
    Service& before = services_[i];
    Service& after = moved[new_ids[i]->value];
    const auto& one = old_model.services[i].name;
    if (restarted.contains(one)) {
      after.desired = resumed.contains(one) ? Desired::running : Desired::stopped;
      after.exits = std::move(before.exits);
      after.restarts = before.restarts;
    } else {
      after = std::move(before);
    }
    after.is_queued = false;
  }
  move_instances(new_ids, moved);
  services_ = std::move(moved);
  for (std::uint32_t i = 0; i < old_model.services.size(); ++i) {
    if (new_ids[i]) adopt_schedule(*new_ids[i], old_model.services[i]);
  }
}

void Supervisor::move_instances(const NewIds& new_ids, std::deque<Service>& moved) {
  for (std::size_t i = 0; i < new_ids.size(); ++i) {
    Service& before = services_[i];
    if (!before.instance_of) continue;
    before.instance_of = new_ids[before.instance_of->value];
    before.is_queued = false;
    moved.push_back(std::move(before));
  }
  for (auto& service : moved) {
    for (auto& instance : service.instances) instance = *new_ids[instance.value];
  }
}

/// Another schedule counts from now on; a run under way is left alone.
void Supervisor::adopt_schedule(ServiceId id, const config::Service& before) {
  if (before.schedule != definition(id).schedule) at(id).state = Stopped{};
}

/// A check that did not change goes on where it stood; a new one of a running service begins.
void Supervisor::carry_over_checks(const NewIds& new_ids, Now now) {
  const auto old_checks = std::exchange(checks_, {});
  for (const auto& owned : old_checks) {
    if (const auto probe = owned.check.probing()) effects_.push_back(CancelProbe{*probe});
  }
  build_checks();
  const auto has_same_owner = [&](const OwnedCheck& before, const OwnedCheck& after) {
    if (!before.owner || !after.owner) return !before.owner && !after.owner;
    const auto renamed = new_ids[before.owner->value];
    return renamed && *renamed == *after.owner;
  };
  const auto is_running = [](const State& state) { return std::holds_alternative<Running>(state); };
  for (auto& owned : checks_) {
    const auto previous = std::find_if(old_checks.begin(), old_checks.end(), [&](const OwnedCheck& one) {
      return has_same_owner(one, owned) && one.purpose == owned.purpose &&
             one.check.definition() == owned.check.definition();
    });
    if (previous != old_checks.end()) {
      owned.check.take_over(previous->check, now.monotonic);
    } else if (owned.purpose == Purpose::health && owned.owner && is_any(*owned.owner, is_running)) {
      owned.check.begin(now.monotonic);
    }
  }
  for (std::uint32_t i = 0; i < service_count(); ++i) {
    if (is_any(ServiceId{i}, is_running)) update_health(ServiceId{i}, now);
  }
}

/// Runs of services that are gone are forgotten.
void Supervisor::rename_runs(const NewIds& new_ids) {
  const auto rename = [&](ServiceId& id) {
    const auto renamed = new_ids[id.value];
    if (renamed) id = *renamed;
    return renamed.has_value();
  };
  for (auto run = runs_.begin(); run != runs_.end();) {
    const bool stays = std::visit(overloaded{
                                      [&](ServiceId& id) { return rename(id); },
                                      [&](ServiceHook& hook) { return rename(hook.service); },
                                      [](GuestHook&) { return true; },
                                  },
                                  run->second);
    run = stays ? std::next(run) : runs_.erase(run);
  }
}

}  // namespace kestrel::core
