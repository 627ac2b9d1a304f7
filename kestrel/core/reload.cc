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
    service.desired = Desired::stopped;
    enqueue(id);
    reply.changed.push_back(id);
  };
  for (const auto& one : plan_.removed) stop(one, false);
  for (const auto& one : plan_.restarted) stop(one, true);
  is_guest_concluded_ = false;
  settle(now);
  return reply;
}

void Supervisor::conclude_reload(Now now) {
  if (!next_model_) return;
  const auto is_at_rest = [this](const std::string& one) { return !is_active(at(*find(one)).state); };
  const bool is_ready = std::all_of(plan_.removed.begin(), plan_.removed.end(), is_at_rest) &&
                        std::all_of(plan_.restarted.begin(), plan_.restarted.end(), is_at_rest);
  if (is_ready) adopt_model(now);
}

void Supervisor::adopt_model(Now now) {
  std::unordered_map<std::string_view, ServiceId> old_ids;
  for (std::uint32_t i = 0; i < services_.size(); ++i)
    old_ids.emplace(model_->services[i].name, ServiceId{i});
  const std::unordered_set<std::string_view> restarted(plan_.restarted.begin(), plan_.restarted.end());
  const std::unordered_set<std::string_view> resumed(resumed_.begin(), resumed_.end());
  const auto old_model = std::exchange(model_, std::exchange(next_model_, nullptr));
  auto old_services = std::exchange(services_, std::vector<Service>(model_->services.size()));
  auto old_checks = std::exchange(checks_, {});
  const auto old_definitions = std::exchange(readiness_definitions_, {});
  graph_ = ServiceGraph(*model_);

  std::unordered_map<std::uint32_t, ServiceId> new_ids;
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    const auto& one = model_->services[i].name;
    const auto found = old_ids.find(one);
    if (found == old_ids.end()) {
      services_[i].desired = Desired::running;
      services_[i].since = now.wall;
      continue;
    }
    Service& before = old_services[found->second.value];
    new_ids.emplace(found->second.value, ServiceId{i});
    if (restarted.contains(one)) {
      services_[i].desired = resumed.contains(one) ? Desired::running : Desired::stopped;
      services_[i].since = now.wall;
      services_[i].exits = std::move(before.exits);
      services_[i].restarts = before.restarts;
    } else {
      services_[i] = std::move(before);
    }
    services_[i].is_queued = false;
  }

  for (auto& owned : old_checks) {
    if (const auto probe = owned.check.probing()) effects_.push_back(CancelProbe{*probe});
  }
  build_checks();
  for (auto& owned : checks_) {
    const auto previous = std::find_if(old_checks.begin(), old_checks.end(), [&](const OwnedCheck& one) {
      const auto renamed = one.owner ? new_ids.find(one.owner->value) : new_ids.end();
      const bool has_same_owner =
          owned.owner ? renamed != new_ids.end() && renamed->second == *owned.owner : !one.owner;
      return has_same_owner && one.purpose == owned.purpose &&
             one.check.definition() == owned.check.definition();
    });
    if (previous != old_checks.end()) {
      owned.check.take_over(previous->check, now.monotonic);
    } else if (owned.purpose == Purpose::health && owned.owner &&
               std::holds_alternative<Running>(at(*owned.owner).state)) {
      owned.check.begin(now.monotonic);
    }
  }
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    if (std::holds_alternative<Running>(services_[i].state)) services_[i].health = health_of(ServiceId{i});
  }

  const auto rename = [&](Subject& subject) {
    if (auto* id = std::get_if<ServiceId>(&subject)) *id = new_ids.at(id->value);
    if (auto* hook = std::get_if<ServiceHook>(&subject)) hook->service = new_ids.at(hook->service.value);
  };
  std::erase_if(runs_, [&](const auto& entry) {
    const auto* id = std::get_if<ServiceId>(&entry.second);
    const auto* hook = std::get_if<ServiceHook>(&entry.second);
    return (id && !new_ids.contains(id->value)) || (hook && !new_ids.contains(hook->service.value));
  });
  for (auto& [run, subject] : runs_) rename(subject);
  queue_.clear();
  for (std::uint32_t i = 0; i < services_.size(); ++i) enqueue(ServiceId{i});
  is_guest_concluded_ = false;
  effects_.push_back(AdoptModel{});
  publish(NoticeType::vm_reloaded);
}

}  // namespace kestrel::core
