// Who depends on whom, in both directions, with the edges that tiers imply: everything normal comes after
// everything of the infrastructure tier, without requiring it.
#pragma once

#include <vector>

#include "kestrel/config/model.h"
#include "kestrel/core/ids.h"

namespace kestrel::core {

struct Dependent {
  ServiceId service;
  bool restart = false;
  bool required = true;
};

class ServiceGraph {
 public:
  explicit ServiceGraph(const config::Model& model);

  [[nodiscard]] const std::vector<config::Dependency>& dependencies(ServiceId id) const {
    return dependencies_[id.value];
  }
  [[nodiscard]] const std::vector<Dependent>& dependents(ServiceId id) const { return dependents_[id.value]; }

 private:
  std::vector<std::vector<config::Dependency>> dependencies_;
  std::vector<std::vector<Dependent>> dependents_;
};

}  // namespace kestrel::core
