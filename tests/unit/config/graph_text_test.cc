#include "kestrel/config/graph_text.h"

#include "tests/unit/config/loading.h"

using namespace kestrel::config;

namespace {

constexpr std::string_view shop = R"(exec:
  - {name: api, command: a, depends_on: [migrate, {name: cache, restart: true, required: false}]}
  - {name: migrate, command: a, run_once: true}
  - {name: cache, command: a, health: {tcp: {port: 1}}}
  - {name: agent, command: a, tier: infrastructure}
)";

}  // namespace

TEST_CASE("a graph in Graphviz's language tells kinds, conditions, soft edges and restarts apart",
          "[config]") {
  CHECK(graph_text(load_valid(shop), GraphFormat::dot) == R"(digraph kestrel {
  rankdir=LR;
  node [shape=box];
  subgraph cluster_infrastructure {
    label="infrastructure";
    "agent";
  }
  "api";
  "migrate" [shape=ellipse];
  "cache";
  "api" -> "migrate" [label="completed"];
  "api" -> "cache" [label="healthy, restart", style=dashed];
}
)");
}

TEST_CASE("a graph in Mermaid's language tells the same", "[config]") {
  CHECK(graph_text(load_valid(shop), GraphFormat::mermaid) == R"(flowchart LR
  subgraph infrastructure
    s3["agent"]
  end
  s0["api"]
  s1(["migrate"])
  s2["cache"]
  s0 -->|completed| s1
  s0 -.->|healthy, restart| s2
)");
}

TEST_CASE("a graph shows schedules, on one line each", "[config]") {
  Model model = load_valid("exec: [{name: backup, command: a, run_once: true}]");
  model.services[0].schedule = Schedule{.expression = "0 2\n* * *", .timezone = "UTC"};
  CHECK(
      graph_text(model, GraphFormat::dot).find("\"backup\" [label=\"backup\\n0 2 * * *\", shape=ellipse];") !=
      std::string::npos);
  CHECK(graph_text(model, GraphFormat::mermaid).find("s0([\"backup<br>0 2 * * *\"])") != std::string::npos);
}
