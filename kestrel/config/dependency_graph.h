// Who waits for whom, as numbers: cycles and order. No recursion, so a chain of any length is fine.
#pragma once

#include <cstdint>
#include <vector>

namespace kestrel::config {

/// `dependencies[i]` = the services that service i waits for.
using DependencyLists = std::vector<std::vector<std::uint32_t>>;

/// A cycle as the path along its dependencies, without the return: {a, b} is a -> b -> a. It begins at its
/// lowest number.
using Cycle = std::vector<std::uint32_t>;

/// Cycles that share no service; empty exactly if there is none. One that shares a service with a reported
/// cycle shows once that one is broken.
[[nodiscard]] std::vector<Cycle> find_cycles(const DependencyLists& dependencies);

/// Every service after all it waits for, otherwise in the order of numbers. There must be no cycle.
[[nodiscard]] std::vector<std::uint32_t> topological_order(const DependencyLists& dependencies);

}  // namespace kestrel::config
