#include "kestrel/config/defaults.h"

#include <utility>

#include "kestrel/base/overloaded.h"

namespace kestrel::config {
namespace {

Condition default_condition(const ServiceDraft& dependency) {
  if (dependency.service.kind == Kind::job) return Condition::completed;
  return dependency.checks.empty() ? Condition::ready : Condition::healthy;
}

std::vector<Dependency> finished(const std::vector<DependencyDraft>& drafts,
                                 const std::vector<ServiceDraft>& services) {
  std::vector<Dependency> dependencies;
  dependencies.reserve(drafts.size());
  for (const DependencyDraft& draft : drafts) {
    const Condition condition =
        draft.condition ? draft.condition->value : default_condition(services[draft.index]);
    dependencies.push_back({draft.index, condition, draft.restart, draft.required});
  }
  return dependencies;
}

std::string type_name(const Probe& probe) {
  return std::visit(overloaded{[](const HttpProbe&) { return "http"; }, [](const TcpProbe&) { return "tcp"; },
                               [](const ExecProbe&) { return "exec"; }},
                    probe);
}

std::vector<Check> finished(std::vector<CheckDraft> drafts, OnUnhealthy on_failure) {
  std::vector<Check> checks;
  checks.reserve(drafts.size());
  for (CheckDraft& draft : drafts) {
    Check& check = checks.emplace_back(std::move(draft.check));
    if (check.name.empty()) check.name = type_name(check.probe);
    if (draft.failure_threshold) check.failure_threshold = draft.failure_threshold->value;
    check.on_failure = draft.on_failure ? draft.on_failure->value : on_failure;
  }
  return checks;
}

}  // namespace

std::string name_of(const CheckDraft& draft) {
  return draft.check.name.empty() ? type_name(draft.check.probe) : draft.check.name;
}

Model with_defaults(ModelDraft draft) {
  Model model = std::move(draft.model);
  model.checks = finished(std::move(draft.checks), OnUnhealthy::none);
  model.services.reserve(draft.services.size());
  for (ServiceDraft& one : draft.services) {
    // Only `service` is moved from: other services still look at kind and checks of this draft.
    const Kind kind = one.service.kind;
    Service& service = model.services.emplace_back(std::move(one.service));
    const bool comes_to_an_end = kind == Kind::job || service.schedule;
    const RestartPolicy usual = comes_to_an_end ? RestartPolicy::never : RestartPolicy::always;
    service.restart = one.restart.value.restart;
    service.restart.policy = one.restart.value.policy ? one.restart.value.policy->value : usual;
    service.depends_on = finished(one.depends_on, draft.services);
  }
  for (std::size_t i = 0; i < draft.services.size(); ++i) {
    model.services[i].checks = finished(std::move(draft.services[i].checks), OnUnhealthy::restart);
  }
  return model;
}

}  // namespace kestrel::config
