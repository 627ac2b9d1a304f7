#include "kestrel/core/reload_plan.h"

#include <unordered_map>

namespace kestrel::core {

namespace {

using config::Service;

template <auto member>
bool differ(const Service& from, const Service& to) {
  return from.*member != to.*member;
}

/// A key of a service, as users write it.
struct Key {
  const char* name;
  bool (*differs)(const Service& from, const Service& to);
};

/// What a process is made of: it would be another one.
constexpr Key keys_of_the_process[] = {
    {"run_once", differ<&Service::kind>},
    {"command",
     [](const Service& from, const Service& to) { return from.command.program != to.command.program; }},
    {"args", [](const Service& from, const Service& to) { return from.command.args != to.command.args; }},
    {"working_dir", differ<&Service::working_dir>},
    {"user", differ<&Service::user>},
    {"umask", differ<&Service::umask>},
    {"env", differ<&Service::environment>},
    {"limits", differ<&Service::limits>},
    {"security", differ<&Service::security>},
    {"ready", differ<&Service::ready>},
    {"schedule", [](const Service& from,
                    const Service& to) { return from.schedule.has_value() != to.schedule.has_value(); }},
};

/// What Kestrel does with a process: it can begin to do otherwise. depends_on is compared by name, elsewhere.
constexpr Key keys_of_its_care[] = {
    {"tier", differ<&Service::tier>},
    {"restart", differ<&Service::restart>},
    {"stop", differ<&Service::stop>},
    {"start_timeout", differ<&Service::start_timeout>},
    {"health", differ<&Service::checks>},
    {"hooks", differ<&Service::hooks>},
    {"on_exit", differ<&Service::on_exit>},
    {"success_exit_codes", differ<&Service::success_exit_codes>},
    {"log", differ<&Service::log>},
    {"schedule",
     [](const Service& from, const Service& to) {
       return from.schedule && to.schedule && *from.schedule != *to.schedule;
     }},
};

struct NamedDependency {
  std::string name;
  config::Dependency how;
  friend bool operator==(const NamedDependency&, const NamedDependency&) = default;
};

/// Indices mean other services in another model.
std::vector<NamedDependency> named_dependencies(const config::Model& model, const Service& service) {
  std::vector<NamedDependency> out;
  for (auto one : service.depends_on) {
    auto name = model.services[one.service].name;
    one.service = 0;
    out.push_back({std::move(name), one});
  }
  return out;
}

void plan_service(ReloadPlan& plan, const config::Model& from, const Service& before, const config::Model& to,
                  const Service& after) {
  std::vector<std::string> changed;
  const auto note_those_of = [&](const auto& keys) {
    for (const Key& key : keys) {
      if (key.differs(before, after)) changed.emplace_back(key.name);
    }
  };
  note_those_of(keys_of_the_process);
  const bool has_own_environment_changed = before.environment != after.environment;
  if (from.environment != to.environment && !has_own_environment_changed) changed.emplace_back("env");
  const bool needs_new_process = !changed.empty();
  note_those_of(keys_of_its_care);
  if (named_dependencies(from, before) != named_dependencies(to, after)) changed.emplace_back("depends_on");
  auto& list = needs_new_process ? plan.restarted : changed.empty() ? plan.unchanged : plan.updated;
  list.push_back(after.name);
  if (!changed.empty()) plan.changed_keys.emplace(after.name, std::move(changed));
}

void plan_guest(ReloadPlan& plan, const config::Model& from, const config::Model& to) {
  const auto note = [](std::vector<std::string>& list, bool differs, const char* key) {
    if (differs) list.emplace_back(key);
  };
  note(plan.guest, from.checks != to.checks, "health");
  note(plan.guest, from.hooks.post_start != to.hooks.post_start, "hooks.post_start");
  note(plan.guest, from.hooks.pre_stop != to.hooks.pre_stop, "hooks.pre_stop");
  note(plan.guest, from.hooks.post_stop != to.hooks.post_stop, "hooks.post_stop");
  note(plan.guest, from.hooks.on_unhealthy != to.hooks.on_unhealthy, "hooks.on_unhealthy");
  note(plan.guest, from.hooks.post_resume != to.hooks.post_resume, "hooks.post_resume");
  note(plan.guest, from.shutdown_timeout != to.shutdown_timeout, "shutdown");
  note(plan.needs_boot, from.hostname != to.hostname, "hostname");
  note(plan.needs_boot, from.environment_files != to.environment_files, "env_files");
  note(plan.needs_boot, from.hooks.pre_start != to.hooks.pre_start, "hooks.pre_start");
  note(plan.needs_boot, from.mounts != to.mounts, "mounts");
  note(plan.needs_boot, from.modules != to.modules, "modules");
  note(plan.needs_boot, from.sysctl != to.sysctl, "sysctl");
  note(plan.needs_boot, from.network != to.network, "network");
}

}  // namespace

ReloadPlan plan_reload(const config::Model& from, const config::Model& to) {
  ReloadPlan plan;
  std::unordered_map<std::string_view, const Service*> old;
  for (const auto& one : from.services) old.emplace(one.name, &one);
  for (const auto& one : to.services) {
    const auto found = old.find(one.name);
    if (found == old.end()) {
      plan.added.push_back(one.name);
    } else {
      plan_service(plan, from, *found->second, to, one);
      old.erase(found);
    }
  }
  for (const auto& one : from.services) {
    if (old.contains(one.name)) plan.removed.push_back(one.name);
  }
  plan_guest(plan, from, to);
  return plan;
}

}  // namespace kestrel::core
