// Whether a service may start: what its dependencies are doing at this moment.
#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

std::string_view wording(config::Condition condition) {
  switch (condition) {
    case config::Condition::started:
      return " to start";
    case config::Condition::ready:
      return " to be ready";
    case config::Condition::healthy:
      return " to be healthy";
    case config::Condition::completed:
      return " to complete";
  }
  return {};
}

}  // namespace

Supervisor::Gate Supervisor::gate_of(ServiceId id) const {
  if (!std::holds_alternative<Up>(guest_)) return GateClosed{"waits for the pre_start hooks"};
  if (must_wait_for_another_instance(id)) return GateClosed{"waits for the run before it to end"};
  Gate gate = GateOpen{};
  for (const auto& dependency : graph_.dependencies(model_id(id))) {
    auto one = judge(dependency);
    if (std::holds_alternative<GateBroken>(one)) {
      if (dependency.required) return one;
    } else if (std::holds_alternative<GateClosed>(one) && std::holds_alternative<GateOpen>(gate)) {
      gate = std::move(one);
    }
  }
  return gate;
}

Supervisor::Gate Supervisor::judge(const config::Dependency& dependency) const {
  const ServiceId id{dependency.service};
  for (const auto instance : at(id).instances) {
    if (auto gate = judge(dependency, at(instance).state); std::holds_alternative<GateOpen>(gate))
      return gate;
  }
  return judge(dependency, at(id).state);
}

Supervisor::Gate Supervisor::judge(const config::Dependency& dependency, const State& state) const {
  const ServiceId id{dependency.service};
  const Service& service = at(id);
  const auto condition = dependency.condition;
  const auto wait = [&]() -> Gate { return GateClosed{concat("waits for ", name(id), wording(condition))}; };
  const auto broken = [&](std::string_view what) -> Gate {
    return GateBroken{concat("requires ", name(id), ", which ", what)};
  };
  return std::visit(overloaded{
                        [&](const Stopped&) -> Gate {
                          if (service.desired == Desired::stopped && !dependency.required) return GateOpen{};
                          return wait();
                        },
                        [&](const Waiting&) { return wait(); },
                        [&](const Scheduled&) { return wait(); },
                        [&](const PreparingStart&) { return wait(); },
                        [&](const Starting& starting) -> Gate {
                          const bool counts = condition == config::Condition::started && starting.process.pid;
                          return counts ? Gate(GateOpen{}) : wait();
                        },
                        [&](const FinishingStart&) -> Gate {
                          return condition == config::Condition::started ? Gate(GateOpen{}) : wait();
                        },
                        [&](const Running&) -> Gate {
                          if (condition == config::Condition::completed) return wait();
                          const bool is_unwell =
                              service.health == Health::starting || service.health == Health::unhealthy;
                          if (condition == config::Condition::healthy && is_unwell) return wait();
                          return GateOpen{};
                        },
                        [&](const PreparingStop&) { return wait(); },
                        [&](const Stopping&) { return wait(); },
                        [&](const CleaningUp&) { return wait(); },
                        [&](const BackingOff&) { return wait(); },
                        [&](const Completed&) -> Gate {
                          const bool counts = definition(id).kind == config::Kind::job ||
                                              condition == config::Condition::completed;
                          return counts ? Gate(GateOpen{}) : broken("has ended");
                        },
                        [&](const Failed& failed) { return broken(concat("failed: ", failed.reason)); },
                        [&](const Blocked&) { return broken("is blocked"); },
                    },
                    state);
}

}  // namespace kestrel::core
