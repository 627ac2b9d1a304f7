// Pictures of the supervisor for the API.
#include <algorithm>
#include <numeric>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

StateName name_of_state(const State& state) {
  return std::visit(overloaded{
                        [](const Stopped&) { return StateName::stopped; },
                        [](const Waiting&) { return StateName::waiting; },
                        [](const Scheduled&) { return StateName::waiting; },
                        [](const PreparingStart&) { return StateName::starting; },
                        [](const Starting&) { return StateName::starting; },
                        [](const FinishingStart&) { return StateName::starting; },
                        [](const Running&) { return StateName::running; },
                        [](const PreparingStop&) { return StateName::stopping; },
                        [](const Stopping&) { return StateName::stopping; },
                        [](const CleaningUp&) { return StateName::stopping; },
                        [](const BackingOff&) { return StateName::backing_off; },
                        [](const Completed&) { return StateName::completed; },
                        [](const Failed&) { return StateName::failed; },
                        [](const Blocked&) { return StateName::blocked; },
                    },
                    state);
}

std::string reason_of(const State& state) {
  return std::visit(
      overloaded{
          [](const Stopped&) { return std::string(); },
          [](const Waiting& waiting) { return waiting.reason; },
          [](const Scheduled& scheduled) { return concat("due at ", format_time(scheduled.at)); },
          [](const PreparingStart&) { return std::string("pre_start hooks"); },
          [](const Starting&) { return std::string(); },
          [](const FinishingStart&) { return std::string("post_start hooks"); },
          [](const Running&) { return std::string(); },
          [](const PreparingStop&) { return std::string("pre_stop hooks"); },
          [](const Stopping& stopping) {
            return stopping.deadline ? stopping.reason : std::string("being killed");
          },
          [](const CleaningUp&) { return std::string("post_stop hooks"); },
          [](const BackingOff& backing_off) { return backing_off.reason; },
          [](const Completed&) { return std::string(); },
          [](const Failed& failed) { return failed.reason; },
          [](const Blocked& blocked) { return blocked.reason; },
      },
      state);
}

std::optional<Duration> next_start_of(const State& state, Now now) {
  if (const auto* off = std::get_if<BackingOff>(&state))
    return std::max(Duration::zero(), off->deadline - now.monotonic);
  if (const auto* scheduled = std::get_if<Scheduled>(&state)) {
    return std::max<Duration>(Duration::zero(), scheduled->at - now.wall);
  }
  return std::nullopt;
}

/// How far a run has got, from waiting to running.
int rank(const State& state) {
  if (std::holds_alternative<Running>(state)) return 4;
  if (is_up(state)) return 3;
  if (is_ending(state)) return 2;
  return std::holds_alternative<BackingOff>(state) ? 1 : 0;
}

/// Why a service that is to run keeps the guest from being healthy: "NAME<says><detail>". It is asked for
/// every service at every turn, so it is only looked at here, and put into words where somebody reads them.
struct Trouble {
  Health status = Health::healthy;
  std::string_view says;
  std::string_view detail;
};

Trouble trouble_of(const State& state, Health health) {
  constexpr Trouble is_starting{Health::starting, " is starting", {}};
  constexpr Trouble is_stopping{Health::unhealthy, " is stopping", {}};
  return std::visit(overloaded{
                        [](const Stopped&) -> Trouble {
                          return {Health::starting, " is not started", {}};
                        },
                        [](const Waiting& waiting) -> Trouble {
                          return {Health::starting, " ", waiting.reason};
                        },
                        [](const Scheduled&) -> Trouble { return {}; },
                        [&](const PreparingStart&) { return is_starting; },
                        [&](const Starting&) { return is_starting; },
                        [&](const FinishingStart&) { return is_starting; },
                        [&](const Running&) -> Trouble {
                          if (health == Health::unhealthy) return {Health::unhealthy, " is unhealthy", {}};
                          if (health == Health::starting)
                            return {Health::starting, " is not healthy yet", {}};
                          return {};
                        },
                        [&](const PreparingStop&) { return is_stopping; },
                        [&](const Stopping&) { return is_stopping; },
                        [&](const CleaningUp&) { return is_stopping; },
                        [](const BackingOff& off) -> Trouble {
                          return {Health::unhealthy, " is backing off: ", off.reason};
                        },
                        [](const Completed&) -> Trouble { return {}; },
                        [](const Failed& failed) -> Trouble {
                          return {Health::unhealthy, " failed: ", failed.reason};
                        },
                        [](const Blocked& blocked) -> Trouble {
                          return {Health::unhealthy, " is blocked: ", blocked.reason};
                        },
                    },
                    state);
}

}  // namespace

std::optional<ServiceId> Supervisor::find(std::string_view wanted) const {
  for (std::uint32_t i = 0; i < service_count(); ++i) {
    if (model_->services[i].name == wanted) return ServiceId{i};
  }
  return std::nullopt;
}

/// The instance that stands for all, or the service itself where there is none.
ServiceId Supervisor::representative(ServiceId id) const {
  auto best = id;
  for (const auto one : at(id).instances) {
    if (best == id || rank(at(one).state) >= rank(at(best).state)) best = one;
  }
  return best;
}

ServiceView Supervisor::view(ServiceId id, Now now) const {
  const Service& service = at(id);
  const Service& current = at(representative(id));
  const auto& one = definition(id);
  const auto* process = process_of(current.state);
  ServiceView view{.name = one.name,
                   .kind = one.schedule                    ? "scheduled"
                           : one.kind == config::Kind::job ? "job"
                                                           : "service",
                   .state = name_of_state(current.state),
                   .reason = reason_of(current.state),
                   .desired = service.desired,
                   .pid = process ? process->pid : std::nullopt,
                   .since = current.since,
                   .restarts = std::accumulate(service.restarts.begin(), service.restarts.end(), 0U),
                   .restarts_by_cause = service.restarts,
                   .next_start = next_start_of(current.state, now),
                   .status = current.status,
                   .is_ready = std::holds_alternative<Running>(current.state),
                   .health = service.health,
                   .exits = service.exits,
                   .runs = {}};
  if (!view.next_start) view.next_start = next_start_of(service.state, now);
  for (std::uint32_t i = 0; i < service.check_count; ++i) {
    view.checks.push_back(checks_[service.first_check.value + i].check.view());
  }
  for (const auto instance : service.instances) view.runs.push_back(view_of_run(instance));
  return view;
}

RunView Supervisor::view_of_run(ServiceId id) const {
  const Service& instance = at(id);
  const auto* process = process_of(instance.state);
  return {.state = name_of_state(instance.state),
          .reason = reason_of(instance.state),
          .pid = process ? process->pid : std::nullopt,
          .since = instance.since};
}

/// Calls `use(status, describe)` for whatever keeps the guest from being healthy.
template <typename Use>
void Supervisor::for_each_complaint(Use use) const {
  if (phase() == Phase::preparing)
    use(Health::starting, [] { return std::string("pre_start hooks are running"); });
  if (phase() == Phase::shutting_down || phase() == Phase::down)
    use(Health::unhealthy, [] { return std::string("shutting down"); });
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    const Service& service = services_[i];
    // That a run of a schedule comes and goes is as it should be; that it has to be tried again is not.
    const bool is_in_trouble =
        std::holds_alternative<BackingOff>(service.state) || std::holds_alternative<Blocked>(service.state);
    if (service.desired == Desired::stopped || (service.instance_of && !is_in_trouble)) continue;
    const auto trouble = trouble_of(service.state, service.health);
    if (trouble.status == Health::healthy) continue;
    use(trouble.status, [&] { return concat(name({i}), trouble.says, trouble.detail); });
  }
  for (std::uint32_t i = 0; i < guest_check_count_; ++i) {
    const auto& check = checks_[i].check;
    if (check.status() == Health::starting)
      use(Health::starting,
          [&] { return concat("check '", check.definition().name, "' has not passed yet"); });
    if (check.status() == Health::unhealthy) use(Health::unhealthy, [&] { return check.describe_failure(); });
  }
}

Health Supervisor::health_status() const {
  auto worst = Health::healthy;
  for_each_complaint([&](Health status, const auto&) {
    if (worst != Health::unhealthy) worst = status;
  });
  return worst;
}

HealthView Supervisor::health() const {
  HealthView view{.status = health_status(), .reasons = {}, .checks = {}};
  std::vector<std::string> starting;
  for_each_complaint([&](Health status, const auto& describe) {
    (status == Health::unhealthy ? view.reasons : starting).push_back(describe());
  });
  view.reasons.insert(view.reasons.end(), starting.begin(), starting.end());
  for (std::uint32_t i = 0; i < guest_check_count_; ++i) view.checks.push_back(checks_[i].check.view());
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
