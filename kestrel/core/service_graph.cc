#include "kestrel/core/service_graph.h"

#include <algorithm>

namespace kestrel::core {

namespace {

/// What a tier's order asks of an infrastructure service: to be there, but not to be well for others to be
/// allowed.
config::Dependency implied_dependency(const config::Service& on, std::uint32_t index) {
  const auto condition = on.kind == config::Kind::job ? config::Condition::completed
                         : on.checks.empty()          ? config::Condition::ready
                                                      : config::Condition::healthy;
  return {.service = index, .condition = condition, .restart = false, .required = false};
}

}  // namespace

ServiceGraph::ServiceGraph(const config::Model& model)
    : dependencies_(model.services.size()), dependents_(model.services.size()) {
  std::vector<std::uint32_t> infrastructure;
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    dependencies_[i] = model.services[i].depends_on;
    if (model.services[i].tier == config::Tier::infrastructure) infrastructure.push_back(i);
  }
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    if (model.services[i].tier == config::Tier::infrastructure) continue;
    for (const auto on : infrastructure) {
      const bool is_named = std::any_of(dependencies_[i].begin(), dependencies_[i].end(),
                                        [on](const auto& dependency) { return dependency.service == on; });
      if (!is_named) dependencies_[i].push_back(implied_dependency(model.services[on], on));
    }
  }
  for (std::uint32_t i = 0; i < dependencies_.size(); ++i) {
    for (const auto& dependency : dependencies_[i]) {
      dependents_[dependency.service].push_back({ServiceId{i}, dependency.restart, dependency.required});
    }
  }
}

}  // namespace kestrel::core
