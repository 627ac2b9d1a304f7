#include <catch2/catch.hpp>

#include "kestrel/core/reload_plan.h"
#include "kestrel/core/supervisor.h"
#include "tests/unit/core/workbench.h"

namespace kestrel::core {
namespace {

config::Model of(std::vector<config::Service> services) {
  config::Model model;
  model.services = std::move(services);
  return model;
}

config::Service other_command(config::Service one) {
  one.command.args = {"--new"};
  return one;
}

TEST_CASE("a plan puts each service into the one list that says what happens to it", "[core]") {
  auto tuned = service("tuned");
  tuned.restart.max_restarts = 5;
  const auto plan =
      plan_reload(of({service("same"), service("tuned"), service("changed"), service("gone")}),
                  of({service("new"), service("same"), tuned, other_command(service("changed"))}));
  CHECK(plan.added == std::vector<std::string>{"new"});
  CHECK(plan.unchanged == std::vector<std::string>{"same"});
  CHECK(plan.updated == std::vector<std::string>{"tuned"});
  CHECK(plan.restarted == std::vector<std::string>{"changed"});
  CHECK(plan.removed == std::vector<std::string>{"gone"});
}

TEST_CASE("an environment for all that changes needs new processes of all", "[core]") {
  auto to = of({service("a")});
  to.environment.push_back({"TZ", config::Literal{"UTC"}});
  CHECK(plan_reload(of({service("a")}), to).restarted == std::vector<std::string>{"a"});
}

TEST_CASE("what only the next boot can change is said", "[core]") {
  auto to = of({service("a")});
  to.hostname = "web";
  CHECK(plan_reload(of({service("a")}), to).needs_boot == std::vector<std::string>{"hostname"});
}

class Reloading {
 public:
  explicit Reloading(config::Model from) : world(std::move(from)) {
    world.begin();
    world.exec_all();
  }
  Reply reload(config::Model to) {
    auto reply = world.supervisor().reload(std::make_shared<const config::Model>(std::move(to)), world.now());
    world.pass(Duration::zero());
    world.event(DeadlinePassed{});
    return reply;
  }
  Workbench world;
};

TEST_CASE("a service whose definition did not change keeps its process", "[core]") {
  Reloading guest(of({service("a"), service("b")}));
  const auto pid = guest.world.view("b").pid;
  (void)guest.reload(of({service("b"), service("a")}));
  CHECK(guest.world.all<AdoptModel>().size() == 1);
  CHECK(guest.world.view("b").pid == pid);
  CHECK(guest.world.state("a") == StateName::running);
  CHECK(guest.world.all<SignalProcess>().empty());
}

TEST_CASE("a removed service is stopped, an added one started", "[core]") {
  Reloading guest(of({service("old")}));
  (void)guest.reload(of({service("new")}));
  CHECK(guest.world.supervisor().is_reloading());
  CHECK(guest.world.all<SignalProcess>().size() == 1);
  guest.world.exit("old");
  CHECK(!guest.world.supervisor().is_reloading());
  CHECK(!guest.world.supervisor().find("old"));
  CHECK(guest.world.state("new") == StateName::starting);
}

TEST_CASE("a service that is made of something else is stopped and started again", "[core]") {
  Reloading guest(of({service("a")}));
  (void)guest.reload(of({other_command(service("a"))}));
  guest.world.exit("a");
  CHECK(guest.world.spawned("a") == 2);
  CHECK(guest.world.supervisor().definition(guest.world.id("a")).command.args ==
        std::vector<std::string>{"--new"});
}

TEST_CASE("a changed service that an operator had stopped stays stopped", "[core]") {
  Reloading guest(of({service("a"), service("b")}));
  (void)guest.world.command(StopService{guest.world.id("a")});
  guest.world.exit("a");
  (void)guest.reload(of({other_command(service("a")), service("b")}));
  CHECK(guest.world.state("a") == StateName::stopped);
}

TEST_CASE("news of a process that lives on find their service under its new number", "[core]") {
  Reloading guest(of({service("gone"), service("a")}));
  const auto run = guest.world.run_of("a");
  (void)guest.reload(of({service("a")}));
  guest.world.event(ProcessExited{RunId{1}, {}, false});
  REQUIRE(guest.world.id("a") == ServiceId{0});
  guest.world.event(ProcessExited{run, {.signal = 9}, false});
  CHECK(guest.world.state("a") == StateName::backing_off);
}

TEST_CASE("a check that did not change keeps its counters, one that did begins afresh", "[core]") {
  auto api = service("api");
  api.checks = {http_check("kept"), http_check("changed")};
  Reloading guest(of({api}));
  guest.world.pass(Duration::zero());
  guest.world.probe(CheckId{0}, true);
  guest.world.probe(CheckId{1}, true);
  REQUIRE(guest.world.view("api").health == Health::healthy);
  api.checks[1].interval = seconds(3);
  (void)guest.reload(of({api}));
  CHECK(guest.world.view("api").checks[0].status == Health::healthy);
  CHECK(guest.world.view("api").checks[1].status == Health::starting);
  CHECK(guest.world.all<SignalProcess>().empty());
}

TEST_CASE("a second reload while one is under way is refused", "[core]") {
  Reloading guest(of({service("old")}));
  (void)guest.reload(of({service("new")}));
  CHECK(guest.reload(of({service("newer")})).verdict == Reply::Verdict::conflict);
}

TEST_CASE("a shutdown ends a reload that is under way", "[core]") {
  Reloading guest(of({service("old")}));
  (void)guest.reload(of({service("new")}));
  (void)guest.world.command(ShutDown{});
  guest.world.exit("old");
  CHECK(guest.world.outcome());
  CHECK(guest.world.spawned("old") == 1);
}

}  // namespace
}  // namespace kestrel::core
