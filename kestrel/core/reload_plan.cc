#include "kestrel/core/reload_plan.h"

#include <algorithm>
#include <unordered_map>

namespace kestrel::core {

namespace {

/// Whether the running process would have been made differently.
bool needs_new_process(const config::Service& from, const config::Service& to, bool has_other_environment) {
  return has_other_environment || from.kind != to.kind || from.command != to.command ||
         from.working_dir != to.working_dir || from.user != to.user || from.umask != to.umask ||
         from.environment != to.environment || from.limits != to.limits || from.security != to.security ||
         from.ready != to.ready || from.schedule != to.schedule || from.log.file != to.log.file ||
         from.log.on_full != to.log.on_full || from.log.ring != to.log.ring ||
         from.log.rotate != to.log.rotate;
}

/// Equality but for dependencies, whose indices mean other services in another model.
bool is_same_but_for_order(config::Service from, config::Service to) {
  from.depends_on.clear();
  to.depends_on.clear();
  return from == to;
}

struct NamedDependency {
  std::string name;
  config::Dependency how;
  friend bool operator==(const NamedDependency&, const NamedDependency&) = default;
};

std::vector<NamedDependency> named_dependencies(const config::Model& model, const config::Service& service) {
  std::vector<NamedDependency> out;
  for (auto one : service.depends_on) {
    auto name = model.services[one.service].name;
    one.service = 0;
    out.push_back({std::move(name), one});
  }
  return out;
}

}  // namespace

ReloadPlan plan_reload(const config::Model& from, const config::Model& to) {
  ReloadPlan plan;
  std::unordered_map<std::string_view, const config::Service*> old;
  for (const auto& one : from.services) old.emplace(one.name, &one);
  const bool has_other_environment = from.environment != to.environment;
  for (const auto& one : to.services) {
    const auto found = old.find(one.name);
    if (found == old.end()) {
      plan.added.push_back(one.name);
      continue;
    }
    const auto& before = *found->second;
    old.erase(found);
    const bool is_same =
        is_same_but_for_order(before, one) && named_dependencies(from, before) == named_dependencies(to, one);
    if (needs_new_process(before, one, has_other_environment)) {
      plan.restarted.push_back(one.name);
    } else {
      (is_same ? plan.unchanged : plan.updated).push_back(one.name);
    }
  }
  for (const auto& one : from.services) {
    if (old.contains(one.name)) plan.removed.push_back(one.name);
  }
  const auto note = [&](bool differs, const char* key) {
    if (differs) plan.needs_boot.emplace_back(key);
  };
  note(from.hostname != to.hostname, "hostname");
  note(from.environment_files != to.environment_files, "env_files");
  note(from.hooks.pre_start != to.hooks.pre_start, "hooks.pre_start");
  note(from.mounts != to.mounts, "mounts");
  note(from.modules != to.modules, "modules");
  note(from.sysctl != to.sysctl, "sysctl");
  note(from.network != to.network, "network");
  return plan;
}

}  // namespace kestrel::core
