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

TEST_CASE("a plan names the keys that differ and whether a process is made of them", "[core]") {
  struct Row {
    std::string key;
    void (*change)(config::Service& one);
    bool needs_new_process;
  };
  const Row rows[] = {
      {"run_once", [](auto& one) { one.kind = config::Kind::job; }, true},
      {"command", [](auto& one) { one.command.program = "/bin/other"; }, true},
      {"args", [](auto& one) { one.command.args = {"--new"}; }, true},
      {"working_dir", [](auto& one) { one.working_dir = "/srv"; }, true},
      {"user", [](auto& one) { one.user = config::User{.name = "www"}; }, true},
      {"umask", [](auto& one) { one.umask = 0; }, true},
      {"env",
       [](auto& one) {
         one.environment = {{"A", config::Literal{"b"}}};
       },
       true},
      {"limits", [](auto& one) { one.limits.pids = 7; }, true},
      {"security", [](auto& one) { one.security.no_new_privileges = true; }, true},
      {"ready", [](auto& one) { one.ready = config::ReadyByNotify{}; }, true},
      {"tier", [](auto& one) { one.tier = config::Tier::infrastructure; }, false},
      {"restart", [](auto& one) { one.restart.policy = config::RestartPolicy::never; }, false},
      {"stop", [](auto& one) { one.stop.timeout = seconds(1); }, false},
      {"start_timeout", [](auto& one) { one.start_timeout = seconds(1); }, false},
      {"health", [](auto& one) { one.checks = {http_check()}; }, false},
      {"hooks",
       [](auto& one) {
         one.hooks.pre_stop = {{"/hook", {}}};
       },
       false},
      {"on_exit", [](auto& one) { one.on_exit.failure = config::ExitAction::shutdown; }, false},
      {"success_exit_codes",
       [](auto& one) {
         one.success_exit_codes = {0, 3};
       },
       false},
      {"schedule", [](auto& one) { one.schedule = config::Schedule{.expression = "@hourly"}; }, true},
      {"log", [](auto& one) { one.log.file = "/var/log/a.log"; }, false},
  };
  for (const auto& row : rows) {
    INFO(row.key);
    auto after = service("a");
    row.change(after);
    const auto plan = plan_reload(of({service("a")}), of({after}));
    CHECK(plan.changed_keys.at("a") == std::vector<std::string>{row.key});
    CHECK((row.needs_new_process ? plan.restarted : plan.updated) == std::vector<std::string>{"a"});
  }
}

TEST_CASE("a dependency on the same service in another place is no change, one on another service is",
          "[core]") {
  const auto from = of({service("a"), service("b"), after(service("c"), 0)});
  CHECK(plan_reload(from, of({service("b"), service("a"), after(service("c"), 1)})).changed_keys.empty());
  const auto plan = plan_reload(from, of({service("b"), service("a"), after(service("c"), 0)}));
  CHECK(plan.changed_keys.at("c") == std::vector<std::string>{"depends_on"});
  CHECK(plan.updated == std::vector<std::string>{"c"});
}

TEST_CASE("what changes for the guest at once is told apart from what needs a boot", "[core]") {
  auto to = of({service("a")});
  to.checks = {http_check()};
  to.shutdown_timeout = seconds(1);
  to.modules = {"nf_tables"};
  const auto plan = plan_reload(of({service("a")}), to);
  CHECK(plan.guest == std::vector<std::string>{"health", "shutdown"});
  CHECK(plan.needs_boot == std::vector<std::string>{"modules"});
  CHECK(plan.unchanged == std::vector<std::string>{"a"});
}

class Reloading {
 public:
  explicit Reloading(config::Model from, NextDue next_due = {})
      : world(std::move(from), std::move(next_due)) {
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

TEST_CASE("what happened under the old model is told before there is a new one", "[core]") {
  Supervisor supervisor(std::make_shared<const config::Model>(of({service("a"), service("old")})), 7);
  const Now now{MonotonicTime(seconds(1000)), WallTime{}};
  const auto drain = [&] {
    while (!supervisor.take_effects(now).empty()) {
    }
  };
  supervisor.begin(now);
  drain();
  supervisor.handle(ProcessStarted{RunId{1}, 1}, now);
  supervisor.handle(ProcessStarted{RunId{2}, 2}, now);
  drain();
  (void)supervisor.reload(std::make_shared<const config::Model>(of({service("a")})), now);
  drain();
  supervisor.handle(ProcessExited{RunId{2}, {}, false}, now);
  for (const auto& effect : supervisor.take_effects(now)) {
    CHECK(!std::holds_alternative<AdoptModel>(effect));
  }
  CHECK(supervisor.model().services.size() == 2);
  CHECK(std::holds_alternative<AdoptModel>(supervisor.take_effects(now).front()));
  CHECK(supervisor.model().services.size() == 1);
}

TEST_CASE("a hook that runs ends well although the new model has none in its place", "[core]") {
  auto hooked = service("a");
  hooked.hooks.pre_start = {{"/first", {}}, {"/second", {}}};
  Reloading guest(of({hooked}));
  guest.world.event(ProcessExited{RunId{1}, {}, false});
  (void)guest.reload(of({service("a")}));
  guest.world.event(ProcessExited{RunId{2}, {.code = 3}, false});
  CHECK(guest.world.noticed("hook.failed a"));
}

TEST_CASE("another schedule counts from now on and leaves a run alone", "[core]") {
  const auto every = [](const char* often) {
    auto one = job("backup");
    one.schedule = config::Schedule{.expression = often};
    return one;
  };
  const auto next_due = [](const config::Schedule& schedule, WallTime after) -> std::optional<WallTime> {
    return after + (schedule.expression == "often" ? seconds(10) : seconds(1000));
  };
  Reloading guest(of({every("seldom"), service("a")}), next_due);
  (void)guest.reload(of({every("often"), service("a")}));
  guest.world.pass(seconds(10));
  CHECK(guest.world.spawned("backup") == 1);
  guest.world.exec_all();
  (void)guest.reload(of({every("seldom"), service("a")}));
  CHECK(guest.world.state("backup") == StateName::running);
  CHECK(guest.world.all<SignalProcess>().empty());
}

TEST_CASE("a service that is given a schedule, or loses it, is another one", "[core]") {
  auto scheduled = service("a");
  scheduled.schedule = config::Schedule{.expression = "@hourly"};
  CHECK(plan_reload(of({service("a")}), of({scheduled})).restarted.size() == 1);
  CHECK(plan_reload(of({scheduled}), of({service("a")})).restarted.size() == 1);
  auto other = scheduled;
  other.schedule->concurrency = config::Overlap::allow;
  CHECK(plan_reload(of({scheduled}), of({other})).changed_keys.at("a") ==
        std::vector<std::string>{"schedule"});
  CHECK(plan_reload(of({scheduled}), of({other})).updated.size() == 1);
}

TEST_CASE("a reload leaves the runs of a schedule alone, whatever else it moves about", "[core]") {
  auto every = job("backup");
  every.schedule = config::Schedule{.expression = "often", .concurrency = config::Overlap::allow};
  const auto next_due = [](const config::Schedule&, WallTime after) -> std::optional<WallTime> {
    return after + seconds(10);
  };
  Reloading guest(of({service("gone"), every, service("a")}), next_due);
  guest.world.pass(seconds(20));
  guest.world.exec_all();
  auto alone = every;
  alone.schedule->concurrency = config::Overlap::forbid;
  (void)guest.reload(of({service("a"), service("b"), alone}));
  guest.world.exit("gone");
  REQUIRE(!guest.world.supervisor().is_reloading());
  REQUIRE(guest.world.view("backup").runs.size() == 2);
  const auto before = guest.world.all<SpawnProcess>();
  guest.world.pass(seconds(10));
  CHECK(guest.world.all<SpawnProcess>() == before);
  for (const auto& spawn : before) {
    if (spawn.run.value == 3 || spawn.run.value == 4)
      guest.world.event(ProcessExited{spawn.run, {.code = 1}, false});
  }
  CHECK(guest.world.view("backup").runs.empty());
  CHECK(guest.world.view("backup").exits.size() == 2);
  guest.world.pass(seconds(10));
  CHECK(guest.world.view("backup").runs.size() == 1);
}

TEST_CASE("a service is healthy as soon as the check that says otherwise is gone", "[core]") {
  auto api = service("api");
  api.checks = {http_check("good"), http_check("bad")};
  Reloading guest(of({api}));
  guest.world.pass(Duration::zero());
  guest.world.probe(CheckId{0}, true);
  REQUIRE(guest.world.view("api").health == Health::starting);
  api.checks.pop_back();
  (void)guest.reload(of({api}));
  CHECK(guest.world.view("api").health == Health::healthy);
  CHECK(guest.world.noticed("service.healthy api"));
}

TEST_CASE("who waits for a service to be healthy starts when a reload takes away the check that kept it",
          "[core]") {
  auto api = service("api");
  api.checks = {http_check("good"), http_check("bad")};
  auto web = after(service("web"), 0, config::Condition::healthy);
  Reloading guest(of({api, web}));
  guest.world.pass(Duration::zero());
  guest.world.probe(CheckId{0}, true);
  REQUIRE(guest.world.state("web") == StateName::waiting);
  api.checks.pop_back();
  (void)guest.reload(of({api, web}));
  CHECK(guest.world.state("web") == StateName::starting);
}

TEST_CASE("a batch does not end while a reload brings one of its jobs back", "[core]") {
  Reloading guest(of({job("a"), job("b")}));
  guest.world.exit("a");
  (void)guest.reload(of({job("a"), other_command(job("b"))}));
  guest.world.exit("b", 143);
  CHECK(!guest.world.outcome());
  CHECK(guest.world.spawned("b") == 2);
  guest.world.exec_all();
  guest.world.exit("b");
  CHECK(guest.world.outcome()->status == 0);
}

TEST_CASE("a failed service is tried again when its command changes", "[core]") {
  Reloading guest(of({service("a"), service("b")}));
  guest.world.exit("a", 78);
  REQUIRE(guest.world.state("a") == StateName::failed);
  (void)guest.reload(of({other_command(service("a")), service("b")}));
  CHECK(guest.world.state("a") == StateName::starting);
}

TEST_CASE("a changed service that backs off is started at once", "[core]") {
  Reloading guest(of({service("a"), service("b")}));
  guest.world.exit("a", 1);
  REQUIRE(guest.world.state("a") == StateName::backing_off);
  (void)guest.reload(of({other_command(service("a")), service("b")}));
  CHECK(guest.world.state("a") == StateName::starting);
  guest.world.pass(seconds(60));
  CHECK(guest.world.spawned("a") == 2);
}

}  // namespace
}  // namespace kestrel::core
