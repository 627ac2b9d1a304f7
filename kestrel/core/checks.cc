// Health checks: those of a service live while it runs, the guest's own from the moment everything was given
// its chance.
#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

/// A port that is to be connected to once: every tenth of a second, for as long as the start may take.
config::Check readiness_check(const config::ReadyByTcp& ready) {
  config::Check check;
  check.name = "ready";
  check.probe = config::TcpProbe{.port = ready.port};
  check.start_period = hours(24 * 365);
  return check;
}

}  // namespace

/// All checks of the model, in order: the guest's, each service's, then those that tell readiness.
void Supervisor::build_checks() {
  guest_check_count_ = static_cast<std::uint32_t>(model_->checks.size());
  for (const auto& check : model_->checks) checks_.push_back({std::nullopt, HealthCheck(check)});
  for (std::uint32_t i = 0; i < service_count(); ++i) {
    services_[i].first_check = CheckId{static_cast<std::uint32_t>(checks_.size())};
    services_[i].check_count = static_cast<std::uint32_t>(model_->services[i].checks.size());
    for (const auto& check : model_->services[i].checks)
      checks_.push_back({ServiceId{i}, HealthCheck(check)});
  }
  for (std::uint32_t i = 0; i < service_count(); ++i) {
    services_[i].readiness_check.reset();
    const auto* ready = std::get_if<config::ReadyByTcp>(&model_->services[i].ready);
    if (!ready) continue;
    services_[i].readiness_check = CheckId{static_cast<std::uint32_t>(checks_.size())};
    const auto& definition = readiness_definitions_.emplace_back(readiness_check(*ready));
    checks_.push_back({ServiceId{i}, HealthCheck(definition), Purpose::readiness});
  }
}

void Supervisor::begin_checks(ServiceId id, Now now) {
  Service& service = at(model_id(id));
  for (std::uint32_t i = 0; i < service.check_count; ++i) {
    checks_[service.first_check.value + i].check.begin(now.monotonic);
  }
  service.health = health_of(model_id(id));
}

void Supervisor::end_checks(ServiceId id) {
  Service& service = at(model_id(id));
  for (std::uint32_t i = 0; i < service.check_count; ++i) {
    if (const auto probe = checks_[service.first_check.value + i].check.end())
      effects_.push_back(CancelProbe{*probe});
  }
  if (service.readiness_check) {
    if (const auto probe = checks_[service.readiness_check->value].check.end())
      effects_.push_back(CancelProbe{*probe});
  }
  service.health = Health::none;
}

void Supervisor::start_guest_checks(Now now) {
  for (std::uint32_t i = 0; i < guest_check_count_; ++i) {
    if (!checks_[i].check.is_active()) checks_[i].check.begin(now.monotonic);
  }
}

void Supervisor::on(const ProbeFinished& event, Now now) {
  if (event.check.value >= checks_.size()) return;
  take_step(event.check,
            checks_[event.check.value].check.handle_result(event.probe, event.is_ok, event.message, now),
            now);
}

void Supervisor::take_step(CheckId id, const CheckStep& step, Now now) {
  const OwnedCheck& owned = checks_[id.value];
  if (step.cancelled) effects_.push_back(CancelProbe{*step.cancelled});
  if (step.start_probe) effects_.push_back(StartProbe{id, *owned.check.probing()});
  if (step.change == CheckStep::Change::none) return;
  if (owned.purpose == Purpose::readiness) {
    return become_ready_if_starting(*owned.owner, now);
  }
  is_guest_concluded_ = false;
  if (owned.owner) update_health(*owned.owner, now);
  if (step.change == CheckStep::Change::became_unhealthy) act_on_failure(id, now);
}

void Supervisor::act_on_failure(CheckId id, Now now) {
  const OwnedCheck& owned = checks_[id.value];
  const auto& definition = owned.check.definition();
  if (definition.on_failure == config::OnUnhealthy::none) return;
  const auto reason = owned.check.describe_failure();
  if (definition.on_failure == config::OnUnhealthy::shutdown || !owned.owner) {
    const auto action =
        definition.on_failure == config::OnUnhealthy::shutdown ? PowerAction::shutdown : PowerAction::reboot;
    shut_down({.status = 1, .cause = "health", .reason = reason, .action = action}, reason, now);
    return;
  }
  want_stop(*owned.owner, StopCause::unhealthy);
}

Health Supervisor::health_of(ServiceId id) const {
  const Service& service = at(id);
  auto result = service.check_count == 0 ? Health::none : Health::healthy;
  for (std::uint32_t i = 0; i < service.check_count; ++i) {
    const auto status = checks_[service.first_check.value + i].check.status();
    if (status == Health::unhealthy) return Health::unhealthy;
    if (status == Health::starting) result = Health::starting;
  }
  return result;
}

void Supervisor::update_health(ServiceId id, Now) {
  Service& service = at(id);
  const auto health = health_of(id);
  if (health == service.health) return;
  service.health = health;
  if (health == Health::healthy) publish(NoticeType::service_healthy, id);
  if (health == Health::unhealthy) {
    std::string reason;
    for (std::uint32_t i = 0; i < service.check_count; ++i) {
      const auto& check = checks_[service.first_check.value + i].check;
      if (check.status() == Health::unhealthy) reason = check.describe_failure();
    }
    publish(NoticeType::service_unhealthy, id, std::move(reason));
  }
  enqueue_dependents(id);
}

}  // namespace kestrel::core
