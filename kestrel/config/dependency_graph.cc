#include "kestrel/config/dependency_graph.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace kestrel::config {
namespace {

enum class Visit : std::uint8_t { none, on_path, done };

/// One depth-first walk over everything that can be reached; a dependency that leads back onto the current
/// path closes a cycle.
class CycleSearch {
 public:
  explicit CycleSearch(const DependencyLists& dependencies)
      : dependencies_(dependencies), visits_(dependencies.size()), is_in_cycle_(dependencies.size()) {}

  std::vector<Cycle> run() {
    for (std::uint32_t start = 0; start < dependencies_.size(); ++start) {
      if (visits_[start] == Visit::none) walk_from(start);
    }
    return std::move(cycles_);
  }

 private:
  struct Step {
    std::uint32_t service;
    std::size_t next = 0;  ///< which of its dependencies to follow next
  };

  void enter(std::uint32_t service) {
    visits_[service] = Visit::on_path;
    path_.push_back({service});
  }

  void walk_from(std::uint32_t start) {
    enter(start);
    while (!path_.empty()) {
      Step& step = path_.back();
      const auto& needed = dependencies_[step.service];
      if (step.next == needed.size()) {
        visits_[step.service] = Visit::done;
        path_.pop_back();
        continue;
      }
      const std::uint32_t service = needed[step.next++];
      if (visits_[service] == Visit::on_path) {
        close_cycle(service);
      } else if (visits_[service] == Visit::none) {
        enter(service);
      }
    }
  }

  void close_cycle(std::uint32_t first) {
    Cycle cycle;
    for (auto step = path_.rbegin(); step != path_.rend(); ++step) {
      if (is_in_cycle_[step->service]) return;
      cycle.push_back(step->service);
      if (step->service == first) break;
    }
    for (const std::uint32_t service : cycle) is_in_cycle_[service] = true;
    std::reverse(cycle.begin(), cycle.end());
    std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
    cycles_.push_back(std::move(cycle));
  }

  const DependencyLists& dependencies_;
  std::vector<Visit> visits_;
  std::vector<bool> is_in_cycle_;
  std::vector<Step> path_;
  std::vector<Cycle> cycles_;
};

}  // namespace

std::vector<Cycle> find_cycles(const DependencyLists& dependencies) {
  return CycleSearch(dependencies).run();
}

std::vector<std::uint32_t> topological_order(const DependencyLists& dependencies) {
  std::vector<std::size_t> missing(dependencies.size());
  DependencyLists dependents(dependencies.size());
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> free;
  for (std::uint32_t service = 0; service < dependencies.size(); ++service) {
    missing[service] = dependencies[service].size();
    if (missing[service] == 0) free.push(service);
    for (const std::uint32_t needed : dependencies[service]) dependents[needed].push_back(service);
  }
  std::vector<std::uint32_t> order;
  order.reserve(dependencies.size());
  while (!free.empty()) {
    const std::uint32_t service = free.top();
    free.pop();
    order.push_back(service);
    for (const std::uint32_t dependent : dependents[service]) {
      if (--missing[dependent] == 0) free.push(dependent);
    }
  }
  return order;
}

}  // namespace kestrel::config
