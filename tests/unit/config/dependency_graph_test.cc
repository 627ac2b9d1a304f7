#include "kestrel/config/dependency_graph.h"

#include <catch2/catch.hpp>

using namespace kestrel::config;

TEST_CASE("a graph without cycles has none to report", "[config]") {
  CHECK(find_cycles({}).empty());
  CHECK(find_cycles({{1, 2}, {3}, {3}, {}}).empty());
}

TEST_CASE("a cycle is told along its dependencies from its lowest number", "[config]") {
  CHECK(find_cycles({{0}}) == std::vector<Cycle>{{0}});
  CHECK(find_cycles({{1}, {2}, {0}}) == std::vector<Cycle>{{0, 1, 2}});
  CHECK(find_cycles({{2}, {3}, {3}, {1}}) == std::vector<Cycle>{{1, 3}});
}

TEST_CASE("cycles apart from each other are all told", "[config]") {
  CHECK(find_cycles({{1}, {0}, {3}, {2}, {0, 2}}) == std::vector<Cycle>{{0, 1}, {2, 3}});
}

TEST_CASE("services that only lead into a cycle are not part of it", "[config]") {
  CHECK(find_cycles({{1}, {2}, {3}, {2}}) == std::vector<Cycle>{{2, 3}});
}

TEST_CASE("the order puts dependencies first and keeps the file's order otherwise", "[config]") {
  using Order = std::vector<std::uint32_t>;
  CHECK(topological_order({}) == Order{});
  CHECK(topological_order({{}, {}, {}}) == Order{0, 1, 2});
  CHECK(topological_order({{2}, {}, {1}}) == Order{1, 2, 0});
  CHECK(topological_order({{1, 2}, {3}, {3}, {}}) == Order{3, 1, 2, 0});
}

TEST_CASE("a chain of any length is walked without recursion", "[config]") {
  constexpr std::uint32_t length = 200'000;
  DependencyLists chain(length);
  for (std::uint32_t i = 0; i + 1 < length; ++i) chain[i] = {i + 1};
  CHECK(find_cycles(chain).empty());
  CHECK(topological_order(chain).front() == length - 1);
  chain[length - 1] = {0};
  CHECK(find_cycles(chain).at(0).size() == length);
}
