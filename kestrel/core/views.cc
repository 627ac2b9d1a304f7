// Pictures of the supervisor for the API.
#include <algorithm>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

StateName name_of_state(const State& state) {
  return std::visit(overloaded{
                        [](const Stopped&) { return StateName::stopped; },
                        [](const Waiting&) { return StateName::waiting; },
                        [](const Starting&) { return StateName::starting; },
                        [](const Running&) { return StateName::running; },
                        [](const Stopping&) { return StateName::stopping; },
                        [](const BackingOff&) { return StateName::backing_off; },
                        [](const Completed&) { return StateName::completed; },
                        [](const Failed&) { return StateName::failed; },
                        [](const Blocked&) { return StateName::blocked; },
                    },
                    state);
}

std::string reason_of(const State& state) {
  return std::visit(overloaded{
                        [](const Stopped&) { return std::string(); },
                        [](const Waiting& waiting) { return waiting.reason; },
                        [](const Starting&) { return std::string(); },
                        [](const Running&) { return std::string(); },
                        [](const Stopping& stopping) {
                          return stopping.deadline ? std::string() : std::string("being killed");
                        },
                        [](const BackingOff& backing_off) { return backing_off.reason; },
                        [](const Completed&) { return std::string(); },
                        [](const Failed& failed) { return failed.reason; },
                        [](const Blocked& blocked) { return blocked.reason; },
                    },
                    state);
}

std::optional<int> pid_of(const State& state) {
  if (const auto* starting = std::get_if<Starting>(&state)) return starting->pid;
  if (const auto* running = std::get_if<Running>(&state)) return running->pid;
  if (const auto* stopping = std::get_if<Stopping>(&state)) return stopping->pid;
  return std::nullopt;
}

/// Why a service that is to run keeps the guest from being healthy; empty where it does not.
struct Complaint {
  Health status = Health::healthy;
  std::string reason;
};

Complaint complaint_of(const std::string& name, const State& state, Health health) {
  return std::visit(overloaded{
                        [&](const Stopped&) -> Complaint {
                          return {Health::starting, concat(name, " is not started")};
                        },
                        [&](const Waiting& waiting) -> Complaint {
                          return {Health::starting, concat(name, " ", waiting.reason)};
                        },
                        [&](const Starting&) -> Complaint {
                          return {Health::starting, concat(name, " is starting")};
                        },
                        [&](const Running&) -> Complaint {
                          if (health == Health::unhealthy)
                            return {Health::unhealthy, concat(name, " is unhealthy")};
                          if (health == Health::starting)
                            return {Health::starting, concat(name, " is not healthy yet")};
                          return {};
                        },
                        [&](const Stopping&) -> Complaint {
                          return {Health::unhealthy, concat(name, " is stopping")};
                        },
                        [&](const BackingOff& off) -> Complaint {
                          return {Health::unhealthy, concat(name, " is backing off: ", off.reason)};
                        },
                        [](const Completed&) -> Complaint { return {}; },
                        [&](const Failed& failed) -> Complaint {
                          return {Health::unhealthy, concat(name, " failed: ", failed.reason)};
                        },
                        [&](const Blocked& blocked) -> Complaint {
                          return {Health::unhealthy, concat(name, " is blocked: ", blocked.reason)};
                        },
                    },
                    state);
}

}  // namespace

std::optional<ServiceId> Supervisor::find(std::string_view wanted) const {
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    if (model_->services[i].name == wanted) return ServiceId{i};
  }
  return std::nullopt;
}

ServiceView Supervisor::view(ServiceId id, Now now) const {
  const Service& service = at(id);
  const auto& one = definition(id);
  ServiceView view{.name = one.name,
                   .kind = one.schedule                    ? "scheduled"
                           : one.kind == config::Kind::job ? "job"
                                                           : "service",
                   .state = name_of_state(service.state),
                   .reason = reason_of(service.state),
                   .desired = service.desired,
                   .pid = pid_of(service.state),
                   .since = service.since,
                   .restarts = service.restarts,
                   .is_ready = std::holds_alternative<Running>(service.state),
                   .health = service.health,
                   .exits = service.exits};
  if (const auto* off = std::get_if<BackingOff>(&service.state)) {
    view.next_start = std::max(Duration::zero(), off->deadline - now.monotonic);
  }
  for (std::uint32_t i = 0; i < service.check_count; ++i) {
    view.checks.push_back(checks_[service.first_check.value + i].check.view());
  }
  return view;
}

HealthView Supervisor::health() const {
  HealthView view{.status = Health::healthy, .reasons = {}, .checks = {}};
  const auto complain = [&](Health status, std::string reason) {
    view.reasons.push_back(std::move(reason));
    if (view.status != Health::unhealthy) view.status = status;
  };
  if (phase() == Phase::preparing) complain(Health::starting, "pre_start hooks are running");
  if (phase() == Phase::shutting_down || phase() == Phase::down) complain(Health::unhealthy, "shutting down");
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    if (services_[i].desired == Desired::stopped) continue;
    auto complaint = complaint_of(model_->services[i].name, services_[i].state, services_[i].health);
    if (complaint.status != Health::healthy) complain(complaint.status, std::move(complaint.reason));
  }
  for (std::uint32_t i = 0; i < guest_check_count_; ++i) {
    const auto& check = checks_[i].check;
    view.checks.push_back(check.view());
    if (check.status() == Health::starting)
      complain(Health::starting, concat("check '", check.definition().name, "' has not passed yet"));
    if (check.status() == Health::unhealthy) complain(Health::unhealthy, check.describe_failure());
  }
  return view;
}

Phase Supervisor::phase() const {
  return std::visit(overloaded{
                        [](const NotBegun&) { return Phase::preparing; },
                        [](const Preparing&) { return Phase::preparing; },
                        [](const Up&) { return Phase::up; },
                        [](const ShuttingDown&) { return Phase::shutting_down; },
                        [](const Down&) { return Phase::down; },
                    },
                    guest_);
}

}  // namespace kestrel::core
