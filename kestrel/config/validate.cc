#include "kestrel/config/validate.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "kestrel/base/text.h"
#include "kestrel/config/defaults.h"
#include "kestrel/config/dependency_graph.h"
#include "kestrel/config/raw.h"

namespace kestrel::config {
namespace {

using Index = std::unordered_map<std::string_view, std::uint32_t>;

void report(Problems& problems, Position at, std::string message) {
  problems.push_back({at.line, at.column, std::move(message)});
}

void check_exec(const ModelDraft& draft, Problems& problems) {
  if (!draft.exec_at) {
    report(problems, {1, 1}, "missing key 'exec': there is nothing to run");
  } else if (draft.services.empty() && problems.empty()) {
    report(problems, *draft.exec_at, "'exec' is empty: there is nothing to run");
  }
}

Index index_services(const std::vector<ServiceDraft>& services, Problems& problems) {
  Index index;
  index.reserve(services.size());
  for (std::uint32_t i = 0; i < services.size(); ++i) {
    const std::string& name = services[i].service.name;
    if (name.empty()) continue;
    const auto [entry, is_new] = index.emplace(name, i);
    if (is_new) continue;
    report(problems, services[i].name_at,
           concat("duplicate name ", quoted(name), " (first at ", describe(services[entry->second].name_at),
                  ')'));
  }
  return index;
}

// Looking for near names is slow; whoever has this many problems gets the first ones explained.
constexpr std::size_t max_suggestions = 100;

void report_missing(const DependencyDraft& dependency, const std::vector<ServiceDraft>& services,
                    Problems& problems) {
  std::vector<std::string_view> names;
  if (problems.size() < max_suggestions) {
    for (const ServiceDraft& one : services) names.push_back(one.service.name);
  }
  const auto meant = nearest(dependency.service.value, names);
  report(problems, dependency.service.at,
         concat("no service is named ", quoted(dependency.service.value),
                meant ? concat("; did you mean '", *meant, "'?") : ""));
}

void report_repeated(const ServiceDraft& one, std::vector<Placed<std::uint32_t>> named, Problems& problems) {
  std::stable_sort(named.begin(), named.end(),
                   [](const auto& a, const auto& b) { return a.value < b.value; });
  for (std::size_t i = 1; i < named.size(); ++i) {
    if (named[i].value != named[i - 1].value) continue;
    report(problems, named[i].at,
           concat(quoted(one.service.name), " depends on this service already (at ",
                  describe(named[i - 1].at), ')'));
  }
}

/// Whether `dependency`, the service `target`, can ever be in the condition that is waited for.
void check_condition(const DependencyDraft& dependency, const ServiceDraft& target, Problems& problems) {
  if (!dependency.condition) return;
  const auto [condition, at] = *dependency.condition;
  const std::string name = quoted(target.service.name);
  if (condition == Condition::completed && target.service.kind != Kind::job) {
    report(problems, at, concat("condition 'completed' needs a job, and ", name, " has no 'run_once: true'"));
  }
  if (condition == Condition::healthy && target.checks.empty()) {
    report(problems, at, concat("condition 'healthy' needs 'health', and ", name, " has none"));
  }
}

void check_dependencies(ServiceDraft& one, const std::vector<ServiceDraft>& services, const Index& index,
                        Problems& problems) {
  std::vector<Placed<std::uint32_t>> named;
  for (DependencyDraft& dependency : one.depends_on) {
    const auto found = index.find(dependency.service.value);
    if (found == index.end()) {
      report_missing(dependency, services, problems);
      continue;
    }
    dependency.index = found->second;
    const ServiceDraft& target = services[dependency.index];
    check_condition(dependency, target, problems);
    if (one.service.tier == Tier::infrastructure && target.service.tier == Tier::normal) {
      report(problems, dependency.service.at,
             concat(quoted(one.service.name), " is infrastructure and starts before ",
                    quoted(target.service.name), ", so it cannot depend on it"));
    }
    named.push_back({dependency.index, dependency.service.at});
  }
  report_repeated(one, std::move(named), problems);
}

void check_cycles(const std::vector<ServiceDraft>& services, const Index& index, Problems& problems) {
  DependencyLists lists(services.size());
  for (std::size_t i = 0; i < services.size(); ++i) {
    for (const DependencyDraft& dependency : services[i].depends_on) {
      if (index.contains(dependency.service.value)) lists[i].push_back(dependency.index);
    }
  }
  for (const Cycle& cycle : find_cycles(lists)) {
    const ServiceDraft& first = services[cycle.front()];
    const std::uint32_t second = cycle[cycle.size() > 1 ? 1 : 0];
    std::string path;
    for (const std::uint32_t member : cycle) {
      path.append(concat(printable(services[member].service.name), " -> "));
    }
    path.append(printable(first.service.name));
    for (const DependencyDraft& dependency : first.depends_on) {
      if (dependency.index != second || !index.contains(dependency.service.value)) continue;
      report(problems, dependency.service.at, concat("dependency cycle: ", path));
      break;
    }
  }
}

void check_restart(const ServiceDraft& one, Problems& problems) {
  const auto& policy = one.restart.value.policy;
  if (!policy || policy->value != RestartPolicy::always) return;
  if (one.service.kind == Kind::job) {
    report(problems, policy->at, "a job ends when it succeeds: its restart policy is on_failure or never");
  } else if (one.service.schedule) {
    report(problems, policy->at,
           "what has ended waits for its schedule: its restart policy is on_failure or never");
  }
}

/// A port, and a check, is the service's: which of several runs it speaks of, nobody could say.
void check_overlap(const ServiceDraft& one, Problems& problems) {
  const auto& schedule = one.service.schedule;
  if (!schedule || schedule->concurrency != Overlap::allow) return;
  if (!one.checks.empty()) {
    report(problems, one.checks.front().at,
           "'health' cannot tell runs apart that 'concurrency' allows side by side: leave one of them out");
  }
  if (std::holds_alternative<ReadyByTcp>(one.service.ready)) {
    report(problems, one.name_at,
           concat("a port cannot tell which of several runs is ready: give ", quoted(one.service.name),
                  " another 'ready', or another 'concurrency' than allow"));
  }
}

void check_names_of_checks(const std::vector<CheckDraft>& checks, Problems& problems) {
  std::unordered_map<std::string, Position> first;
  for (const CheckDraft& draft : checks) {
    const auto [entry, is_new] = first.emplace(name_of(draft), draft.at);
    if (is_new) continue;
    report(problems, draft.at,
           concat("duplicate check ", quoted(entry->first), " (first at ", describe(entry->second),
                  "); give it another 'name'"));
  }
}

void check_guest_health(const std::vector<CheckDraft>& checks, Problems& problems) {
  check_names_of_checks(checks, problems);
  for (const CheckDraft& draft : checks) {
    if (!draft.on_failure || draft.on_failure->value != OnUnhealthy::restart) continue;
    report(problems, draft.on_failure->at,
           "on_failure 'restart' needs a service to restart: use it in the 'health' of one");
  }
}

}  // namespace

void validate(ModelDraft& draft, Problems& problems) {
  check_exec(draft, problems);
  const Index index = index_services(draft.services, problems);
  for (ServiceDraft& one : draft.services) {
    check_dependencies(one, draft.services, index, problems);
    check_restart(one, problems);
    check_overlap(one, problems);
    check_names_of_checks(one.checks, problems);
  }
  check_cycles(draft.services, index, problems);
  check_guest_health(draft.checks, problems);
}

}  // namespace kestrel::config
