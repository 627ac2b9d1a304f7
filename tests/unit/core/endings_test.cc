// What follows the end of a process, of a budget and of a service's health: each way that the configuration
// knows.
#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/unit/core/workbench.h"

namespace kestrel::core {
namespace {

using config::ExitAction;
using config::OnUnhealthy;

config::Service with_budget(std::uint32_t restarts, config::OnExhausted on_exhausted) {
  auto api = service("api");
  api.restart.backoff.initial = Duration::zero();
  api.restart.max_restarts = restarts;
  api.restart.on_exhausted = on_exhausted;
  return api;
}

void crash(Workbench& world, int times) {
  for (int i = 0; i < times; ++i) {
    world.exec("api");
    world.exit("api", 3);
  }
}

TEST_CASE("a service that has used up its restarts has failed, and an operator's start gives it new ones",
          "[core]") {
  Workbench world({with_budget(2, config::OnExhausted::fail)});
  world.begin();
  crash(world, 3);
  CHECK(world.state("api") == StateName::failed);
  CHECK(world.view("api").reason == "gave up after 2 restarts within 10m; last: exited with 3");
  world.pass(minutes(30));
  CHECK(world.spawned("api") == 3);
  (void)world.command(StartService{world.id("api")});
  crash(world, 2);
  CHECK(world.state("api") == StateName::starting);
  crash(world, 1);
  CHECK(world.state("api") == StateName::failed);
}

TEST_CASE("a service that has used up its restarts may end the guest, with its status", "[core]") {
  Workbench world({with_budget(1, config::OnExhausted::shutdown), service("other")});
  world.begin();
  world.exec("other");
  crash(world, 2);
  CHECK(world.state("other") == StateName::stopping);
  world.exit("other");
  REQUIRE(world.outcome());
  CHECK(world.outcome()->status == 3);
  CHECK(world.outcome()->reason == "api: gave up after 1 restarts within 10m; last: exited with 3");
}

TEST_CASE("without a budget a service is restarted for ever", "[core]") {
  Workbench world({with_budget(0, config::OnExhausted::fail)});
  world.begin();
  crash(world, 200);
  CHECK(world.spawned("api") == 201);
}

struct Ending {
  std::optional<ExitAction> on_success, on_failure;
  int code;
  StateName state;            ///< afterwards
  std::optional<int> status;  ///< of the guest, where it ends
};

TEST_CASE("each end of a service has the consequence that on_exit names", "[core]") {
  using State = StateName;
  const auto ending =
      GENERATE(Ending{{}, {}, 0, State::backing_off, {}}, Ending{{}, {}, 3, State::backing_off, {}},
               Ending{ExitAction::ignore, {}, 0, State::completed, {}},
               Ending{ExitAction::ignore, {}, 3, State::backing_off, {}},
               Ending{{}, ExitAction::ignore, 3, State::failed, {}},
               Ending{{}, ExitAction::ignore, 0, State::backing_off, {}},
               Ending{ExitAction::restart, ExitAction::ignore, 0, State::backing_off, {}},
               Ending{ExitAction::shutdown, {}, 0, State::completed, 0},
               Ending{ExitAction::shutdown, {}, 3, State::backing_off, {}},
               Ending{{}, ExitAction::shutdown, 3, State::failed, 3},
               Ending{{}, ExitAction::shutdown, 0, State::backing_off, {}});
  auto api = service("api");
  api.on_exit = {ending.on_success, ending.on_failure};
  Workbench world({api});
  world.begin();
  world.exec("api");
  world.exit("api", ending.code);
  CHECK(world.state("api") == ending.state);
  CHECK(world.outcome().has_value() == ending.status.has_value());
  if (world.outcome()) CHECK(world.outcome()->status == ending.status);
}

TEST_CASE("a batch whose job cannot be executed ends as a shell would say it", "[core]") {
  const bool is_missing = GENERATE(true, false);
  const int error = is_missing ? ENOENT : EACCES;
  Workbench world({job("gone"), after(job("next"), 0, config::Condition::completed)});
  world.begin();
  world.fail_to_exec("gone", error);
  CHECK(world.noticed("service.blocked next"));
  REQUIRE(world.outcome());
  CHECK(world.outcome()->status == (is_missing ? 127 : 126));
}

TEST_CASE("an exit that meets a stop is no crash", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  (void)world.command(StopService{world.id("api")});
  world.exit("api", 1);
  CHECK(world.state("api") == StateName::stopped);
  CHECK(world.view("api").exits.back().cause == ExitCause::stop);
  world.pass(minutes(5));
  CHECK(world.view("api").restarts == 0);
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("a service that is stopped before it is ready is not tried again", "[core]") {
  auto db = service("db");
  db.ready = config::ReadyByNotify{};
  Workbench world({db, after(service("api"), 0)});
  world.begin();
  world.exec("db");
  (void)world.command(StopService{world.id("db"), true});
  CHECK(world.state("db") == StateName::stopping);
  world.event(Notified{.run = world.run_of("db"), .is_ready = true});
  CHECK(world.spawned("api") == 0);
  world.exit("db");
  world.pass(minutes(5));
  CHECK(world.state("db") == StateName::stopped);
  CHECK(world.spawned("db") == 1);
}

config::Check strict_check(OnUnhealthy on_failure) {
  auto check = http_check();
  check.failure_threshold = 1;
  check.start_period = Duration::zero();
  check.on_failure = on_failure;
  return check;
}

TEST_CASE("a check without a consequence leaves its unhealthy service alone, and the guest is unhealthy",
          "[core]") {
  auto api = service("api");
  api.checks = {strict_check(OnUnhealthy::none)};
  Workbench world({api});
  world.begin();
  world.exec("api");
  world.pass(Duration::zero());
  world.probe(CheckId{0}, false, "answered 503");
  world.pass(minutes(1));
  CHECK(world.state("api") == StateName::running);
  CHECK(world.view("api").health == Health::unhealthy);
  CHECK(world.supervisor().health().status == Health::unhealthy);
  CHECK(world.outcome() == std::nullopt);
}

TEST_CASE("a check may end the guest, be it a service's or the guest's own", "[core]") {
  const bool is_guests = GENERATE(false, true);
  config::Model model;
  model.services = {service("api")};
  (is_guests ? model.checks : model.services[0].checks) = {strict_check(OnUnhealthy::shutdown)};
  Workbench world(model);
  world.begin();
  world.exec("api");
  world.pass(Duration::zero());
  world.probe(CheckId{0}, false, "answered 503");
  CHECK(world.state("api") == StateName::stopping);
  world.exit("api");
  REQUIRE(world.outcome());
  CHECK(world.outcome()->status == 1);
  CHECK(world.outcome()->cause == "health");
  CHECK(world.outcome()->reason == "check 'http' failed 1 time: answered 503");
}

TEST_CASE("the checks of a service that waits for its restart count nothing and do nothing", "[core]") {
  auto api = service("api");
  api.checks = {strict_check(OnUnhealthy::restart)};
  Workbench world({api});
  world.begin();
  world.exec("api");
  world.pass(Duration::zero());
  world.exit("api", 1);
  world.probe(CheckId{0}, false, "too late");
  CHECK(world.state("api") == StateName::backing_off);
  CHECK(world.view("api").checks[0].failures == 0);
  CHECK(world.view("api").restarts == 1);
}

TEST_CASE("a service that an operator has stopped is where it should be", "[core]") {
  Workbench world({service("api"), service("other")});
  world.begin();
  world.exec_all();
  (void)world.command(StopService{world.id("api")});
  world.exit("api");
  CHECK(world.supervisor().health().status == Health::healthy);
}

}  // namespace
}  // namespace kestrel::core
