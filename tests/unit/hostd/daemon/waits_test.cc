#include "hostd/daemon/waits.h"

#include "tests/unit/hostd/daemon/daemon_bench.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A VM whose runner the test plays, and somebody who waits for it.
struct Bench : Host {
  Bench() {
    remember(running("web"));
    runner.emplace(loop, vm_folder("web"));
    runner->state = "booting";
    runner->tell("\"type\":\"vm.started\"");
    daemon.emplace(*this);
    run_until([&] { return daemon->event_names().size() == 1; });
  }
  void wait(Goal goal, Duration limit = seconds(20)) {
    daemon->waits.wait("web", goal, limit,
                       [this](Result<void> result) { told.push_back(std::move(result)); });
  }
  Result<void>& result() {
    run_until([&] { return told.size() == 1; });
    REQUIRE_FALSE(told.empty());
    return told.front();
  }
  void expect_nothing() {
    settle();
    CHECK(told.empty());
  }

  std::optional<FakeRunner> runner;
  std::optional<DaemonBench> daemon;
  std::vector<Result<void>> told;
};

}  // namespace

TEST_CASE("goals have names, and nothing else is one", "[hostd]") {
  for (const Goal goal : {Goal::started, Goal::ready, Goal::healthy, Goal::stopped})
    CHECK(parse_goal(name_of(goal)) == goal);
  CHECK_FALSE(parse_goal("running"));
  CHECK_FALSE(parse_goal(""));
}

TEST_CASE("who waits for a VM to be healthy is told when it is, not when it is ready", "[hostd]") {
  Bench bench;
  bench.wait(Goal::healthy);
  bench.runner->become("ready");
  bench.daemon->expect_state("web", "ready");
  bench.expect_nothing();
  bench.runner->become("healthy");
  CHECK(bench.result());
}

TEST_CASE("what is so already is told at once", "[hostd]") {
  Bench bench;
  bench.runner->become("healthy");
  bench.daemon->expect_state("web", "healthy");
  for (const Goal goal : {Goal::started, Goal::ready, Goal::healthy}) bench.wait(goal);
  CHECK(bench.told.size() == 3);
}

TEST_CASE("a VM that is unhealthy is ready all the same", "[hostd]") {
  Bench bench;
  bench.runner->become("unhealthy");
  bench.daemon->expect_state("web", "unhealthy");
  bench.wait(Goal::healthy);
  bench.expect_nothing();
  bench.wait(Goal::ready);
  CHECK(bench.result());
}

TEST_CASE("who waits for what never can be is told that the VM has ended, and how", "[hostd]") {
  Bench bench;
  bench.wait(Goal::healthy);
  bench.runner->end({7, "it failed", {}});
  bench.runner.reset();
  REQUIRE_FALSE(bench.result());
  CHECK(bench.result().error().code == ECHILD);
  CHECK(bench.result().error().message == "web ended with status 7: it failed");
}

TEST_CASE("who waits for its end is told when all of it is written down", "[hostd]") {
  Bench bench;
  bench.wait(Goal::stopped);
  bench.runner->end({});
  bench.run_until([&] { return bench.daemon->state_of("web") == "stopping"; });
  bench.expect_nothing();
  bench.runner.reset();
  CHECK(bench.result());
  CHECK(bench.daemon->fleet.find("web")->is_resting());
}

TEST_CASE("who waits too long is told so", "[hostd]") {
  Bench bench;
  bench.wait(Goal::healthy, milliseconds(10));
  REQUIRE_FALSE(bench.result());
  CHECK(bench.result().error().code == ETIMEDOUT);
  CHECK(bench.result().error().message == "web is not healthy after 10ms");
}

TEST_CASE("who waits for a VM that is deleted meanwhile is told so", "[hostd]") {
  Bench bench;
  bench.daemon->ask("POST", "/v1/vms?start=0", R"({"image":"site","name":"idle"})");
  std::optional<Result<void>> result;
  bench.daemon->waits.wait("idle", Goal::healthy, seconds(1),
                           [&](Result<void> told) { result = std::move(told); });
  CHECK(result->error().code == ECHILD);
  bench.daemon->waits.wait("none", Goal::healthy, seconds(1),
                           [&](Result<void> told) { result = std::move(told); });
  CHECK(result->error().code == ENOENT);
}

TEST_CASE("many wait for one VM, each for something else", "[hostd]") {
  Bench bench;
  std::vector<std::string> order;
  for (const Goal goal : {Goal::stopped, Goal::healthy, Goal::ready}) {
    bench.daemon->waits.wait("web", goal, seconds(20), [&order, goal](const Result<void>& result) {
      CHECK(result);
      order.emplace_back(name_of(goal));
    });
  }
  bench.runner->become("ready");
  bench.run_until([&] { return order.size() == 1; });
  bench.runner->become("healthy");
  bench.run_until([&] { return order.size() == 2; });
  bench.runner->end({});
  bench.runner.reset();
  bench.run_until([&] { return order.size() == 3; });
  CHECK(order == std::vector<std::string>{"ready", "healthy", "stopped"});
}
