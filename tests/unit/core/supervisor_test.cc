#include "kestrel/core/supervisor.h"

#include <catch2/catch.hpp>

#include "tests/unit/core/workbench.h"

namespace kestrel::core {
namespace {

using config::Condition;

constexpr int ENOENT_ = 2;

// --- starting ----------------------------------------------------------------------------------------------

TEST_CASE("services without dependencies all start at once", "[core]") {
  Workbench world({service("a"), service("b")});
  world.begin();
  CHECK(world.spawned("a") == 1);
  CHECK(world.spawned("b") == 1);
}

TEST_CASE("a dependent waits until its dependency is ready", "[core]") {
  Workbench world({service("db"), after(service("api"), 0)});
  world.begin();
  CHECK(world.state("api") == StateName::waiting);
  CHECK(world.view("api").reason == "waits for db to be ready");
  world.exec("db");
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("a dependent on a job waits until the job has completed", "[core]") {
  Workbench world({job("migrate"), after(service("api"), 0, Condition::completed)});
  world.begin();
  world.exec("migrate");
  CHECK(world.state("api") == StateName::waiting);
  world.exit("migrate", 0);
  CHECK(world.state("migrate") == StateName::completed);
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("a dependent on health waits until the dependency's checks have passed", "[core]") {
  auto db = service("db");
  db.checks = {http_check()};
  Workbench world({db, after(service("api"), 0, Condition::healthy)});
  world.begin();
  world.exec("db");
  world.pass(Duration::zero());
  CHECK(world.state("api") == StateName::waiting);
  world.probe(CheckId{0}, true);
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("having been ready once opens no gate: a restarted dependency must be ready again", "[core]") {
  Workbench world({service("db"), after(service("api"), 0)});
  world.begin();
  world.exec("db");
  world.exec("api");
  world.die("db", 9);
  world.die("api", 9);
  world.pass(milliseconds(100));
  CHECK(world.state("db") == StateName::starting);
  CHECK(world.state("api") == StateName::waiting);
  CHECK(world.spawned("api") == 1);
  world.exec("db");
  CHECK(world.spawned("api") == 2);
}

TEST_CASE("a job that fails blocks whoever requires it, at once and by name", "[core]") {
  Workbench world({job("migrate"), after(service("api"), 0, Condition::completed), after(service("web"), 1)});
  world.begin();
  world.exec("migrate");
  world.exit("migrate", 3);
  CHECK(world.state("migrate") == StateName::failed);
  CHECK(world.view("api").reason == "requires migrate, which failed: exited with 3");
  CHECK(world.view("web").reason == "requires api, which is blocked");
  CHECK(world.noticed("service.blocked api"));
}

TEST_CASE("a soft dependency that failed lets its dependent start all the same", "[core]") {
  Workbench world({job("warm"), after(service("api"), 0, Condition::completed, false, false)});
  world.begin();
  world.exec("warm");
  world.exit("warm", 1);
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("a blocked service starts as soon as what blocked it works", "[core]") {
  Workbench world({job("migrate"), after(service("api"), 0, Condition::completed)});
  world.begin();
  world.exec("migrate");
  world.exit("migrate", 1);
  REQUIRE(world.state("api") == StateName::blocked);
  (void)world.command(StartService{world.id("migrate")});
  world.exec("migrate");
  world.exit("migrate", 0);
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("infrastructure starts before and stops after everything else", "[core]") {
  auto logger = service("logger");
  logger.tier = config::Tier::infrastructure;
  Workbench world({service("api"), logger});
  world.begin();
  CHECK(world.spawned("api") == 0);
  world.exec("logger");
  world.exec("api");
  (void)world.command(ShutDown{});
  CHECK(world.state("api") == StateName::stopping);
  CHECK(world.state("logger") == StateName::running);
  world.exit("api");
  CHECK(world.state("logger") == StateName::stopping);
}

TEST_CASE("a program that cannot be executed fails with stage and cause and is not tried again", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.fail_to_exec("api", ENOENT_);
  world.pass(minutes(10));
  CHECK(world.state("api") == StateName::failed);
  CHECK(world.view("api").reason == "cannot execute it (exec)");
  CHECK(world.view("api").exits.back().cause == ExitCause::exec_failed);
  CHECK(world.view("api").exits.back().exit.code == 127);
  CHECK(world.spawned("api") == 1);
}

// --- restarting --------------------------------------------------------------------------------------------

TEST_CASE("a crashed service starts again after its delay, and not before", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  world.die("api", 11);
  CHECK(world.state("api") == StateName::backing_off);
  world.pass(milliseconds(99));
  CHECK(world.spawned("api") == 1);
  world.pass(milliseconds(1));
  CHECK(world.spawned("api") == 2);
  CHECK(world.view("api").restarts == 1);
}

TEST_CASE("a restart counts for what ended the run before, and one that was asked for for nothing",
          "[core]") {
  Workbench world({service("api")});
  const auto count = [&](ExitCause cause) {
    return world.view("api").restarts_by_cause[static_cast<std::size_t>(cause)];
  };
  world.begin();
  world.exec("api");
  world.die("api", 11);
  world.pass(seconds(1));
  world.exec("api");
  world.exit("api", 1);
  world.pass(seconds(1));
  world.exec("api");
  CHECK(count(ExitCause::signal) == 1);
  CHECK(count(ExitCause::exit) == 1);
  CHECK(world.view("api").restarts == 2);
  (void)world.command(RestartService{world.id("api")});
  world.exit("api", 0);
  CHECK(count(ExitCause::stop) == 0);
  CHECK(world.view("api").restarts == 2);
}

TEST_CASE("what a crashed service left behind is killed before it starts again", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  const auto run = world.run_of("api");
  world.event(ProcessExited{run, {.signal = 9}, true});
  CHECK(world.state("api") == StateName::stopping);
  CHECK(world.all<KillProcesses>() == std::vector{KillProcesses{run}});
  world.pass(seconds(60));
  CHECK(world.spawned("api") == 1);
  world.event(ProcessesGone{run});
  world.pass(seconds(60));
  CHECK(world.spawned("api") == 2);
}

TEST_CASE("a crash of a dependency leaves its dependents alone", "[core]") {
  Workbench world({service("db"), after(service("api"), 0)});
  world.begin();
  world.exec("db");
  world.exec("api");
  world.die("db", 9);
  world.pass(seconds(1));
  CHECK(world.state("api") == StateName::running);
}

TEST_CASE("a dependent with restart: true goes down with its dependency and comes back after it", "[core]") {
  Workbench world({service("db"), after(service("api"), 0, Condition::ready, true)});
  world.begin();
  world.exec("db");
  world.exec("api");
  world.die("db", 9);
  CHECK(world.state("api") == StateName::stopping);
  world.exit("api");
  CHECK(world.state("api") == StateName::waiting);
  world.pass(milliseconds(100));
  world.exec("db");
  CHECK(world.spawned("api") == 2);
}

TEST_CASE("an operator's stop during backoff cancels the restart", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  world.exit("api", 1);
  (void)world.command(StopService{world.id("api")});
  world.pass(minutes(5));
  CHECK(world.state("api") == StateName::stopped);
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("an operator's start during backoff starts at once and forgets the failures", "[core]") {
  Workbench world({service("api")});
  world.begin();
  for (int i = 0; i < 3; ++i) {
    world.exec("api");
    world.exit("api", 1);
    if (i < 2) world.pass(seconds(10));
  }
  (void)world.command(StartService{world.id("api")});
  CHECK(world.spawned("api") == 4);
  world.exec("api");
  world.exit("api", 1);
  CHECK(world.view("api").next_start == milliseconds(100));
}

// --- stopping ----------------------------------------------------------------------------------------------

TEST_CASE("a stop sends the signal and, after the timeout, kills", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  const auto run = world.run_of("api");
  world.forget();
  (void)world.command(StopService{world.id("api")});
  CHECK(world.all<SignalProcess>() == std::vector{SignalProcess{run, 15, Receiver::whole_containment}});
  world.pass(seconds(9));
  CHECK(world.all<KillProcesses>().empty());
  world.pass(seconds(1));
  CHECK(world.all<KillProcesses>() == std::vector{KillProcesses{run}});
  world.die("api", 9);
  CHECK(world.state("api") == StateName::stopped);
}

TEST_CASE("the deadline of an earlier stop cannot kill a later run early", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  (void)world.command(StopService{world.id("api")});
  world.pass(seconds(1));
  world.exit("api");
  (void)world.command(StartService{world.id("api")});
  world.exec("api");
  world.forget();
  world.pass(minutes(1));
  CHECK(world.all<KillProcesses>().empty());
  CHECK(world.state("api") == StateName::running);
}

TEST_CASE("a service is not stopped while any of its processes lives", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  const auto run = world.run_of("api");
  (void)world.command(StopService{world.id("api")});
  world.event(ProcessExited{run, {}, true});
  CHECK(world.state("api") == StateName::stopping);
  world.event(ProcessesGone{run});
  CHECK(world.state("api") == StateName::stopped);
}

TEST_CASE("the news that all are gone may come before the news of the exit", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  const auto run = world.run_of("api");
  (void)world.command(StopService{world.id("api")});
  world.event(ProcessesGone{run});
  CHECK(world.state("api") == StateName::stopping);
  world.event(ProcessExited{run, {}, false});
  CHECK(world.state("api") == StateName::stopped);
}

TEST_CASE("a stop that a dependent stands against is refused and names it", "[core]") {
  Workbench world({service("db"), after(service("api"), 0)});
  world.begin();
  world.exec("db");
  world.exec("api");
  const auto reply = world.command(StopService{world.id("db")});
  CHECK(reply.verdict == Reply::Verdict::conflict);
  CHECK(reply.message == "cannot stop db: api requires it");
  CHECK(world.state("db") == StateName::running);
}

TEST_CASE("a forced stop takes the dependents down first", "[core]") {
  Workbench world({service("db"), after(service("api"), 0)});
  world.begin();
  world.exec("db");
  world.exec("api");
  CHECK(world.command(StopService{world.id("db"), true}).changed.size() == 2);
  CHECK(world.state("api") == StateName::stopping);
  CHECK(world.state("db") == StateName::running);
  world.exit("api");
  CHECK(world.state("db") == StateName::stopping);
}

TEST_CASE("stop and start are idempotent", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  CHECK(world.command(StartService{world.id("api")}).changed.empty());
  CHECK(world.command(StopService{world.id("api")}).changed.size() == 1);
  CHECK(world.command(StopService{world.id("api")}).changed.empty());
}

TEST_CASE("a start during a stop runs the service exactly once after the stop", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  (void)world.command(StopService{world.id("api")});
  (void)world.command(StartService{world.id("api")});
  (void)world.command(StartService{world.id("api")});
  CHECK(world.spawned("api") == 1);
  world.exit("api");
  world.exec_all();
  world.pass(minutes(1));
  CHECK(world.spawned("api") == 2);
  CHECK(world.state("api") == StateName::running);
}

TEST_CASE("a stop before exec is known still stops the process", "[core]") {
  Workbench world({service("api")});
  world.begin();
  (void)world.command(StopService{world.id("api")});
  CHECK(world.state("api") == StateName::stopping);
  world.exec("api");
  CHECK(world.view("api").pid);
  world.die("api", 15);
  CHECK(world.state("api") == StateName::stopped);
}

TEST_CASE("a restart stops and starts without a delay and without counting as a failure", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  (void)world.command(RestartService{world.id("api")});
  CHECK(world.state("api") == StateName::stopping);
  world.exit("api", 1);
  CHECK(world.spawned("api") == 2);
  CHECK(world.view("api").restarts == 0);
  CHECK(world.view("api").exits.back().cause == ExitCause::stop);
}

TEST_CASE("events of an earlier run are dropped", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  const auto old = world.run_of("api");
  world.die("api", 9);
  world.pass(seconds(1));
  world.exec("api");
  world.event(ProcessExited{old, {.signal = 9}, false});
  world.event(ProcessesGone{old});
  CHECK(world.state("api") == StateName::running);
}

TEST_CASE("a signal goes to the main process and a service without one is a conflict", "[core]") {
  Workbench world({service("api")});
  world.begin();
  CHECK(world.command(SignalService{world.id("api"), 1}).verdict == Reply::Verdict::conflict);
  world.exec("api");
  CHECK(world.command(SignalService{world.id("api"), 1}).verdict == Reply::Verdict::done);
  CHECK(world.all<SignalProcess>().back() == SignalProcess{world.run_of("api"), 1, Receiver::main_process});
}

TEST_CASE("a completed job runs again when an operator restarts it", "[core]") {
  Workbench world({job("migrate"), service("api")});
  world.begin();
  world.exec_all();
  world.exit("migrate", 0);
  CHECK(world.command(StartService{world.id("migrate")}).changed.empty());
  (void)world.command(RestartService{world.id("migrate")});
  CHECK(world.spawned("migrate") == 2);
}

// --- health ------------------------------------------------------------------------------------------------

TEST_CASE("an unhealthy service is restarted once per streak, as a failure", "[core]") {
  auto api = service("api");
  api.checks = {http_check()};
  api.checks[0].on_failure = config::OnUnhealthy::restart;
  api.checks[0].failure_threshold = 1;
  Workbench world({api});
  world.begin();
  world.exec("api");
  world.pass(Duration::zero());
  world.probe(CheckId{0}, true);
  CHECK(world.view("api").health == Health::healthy);
  world.pass(seconds(10));
  world.probe(CheckId{0}, false, "answered 503");
  CHECK(world.state("api") == StateName::stopping);
  CHECK(world.noticed("service.unhealthy api"));
  world.exit("api", 0);
  CHECK(world.view("api").exits.back().cause == ExitCause::probe);
  CHECK(world.spawned("api") == 2);
  CHECK(world.view("api").restarts == 1);
  world.exec_all();
  CHECK(world.view("api").health == Health::starting);
}

TEST_CASE("a probe under way is cancelled when its service ends", "[core]") {
  auto api = service("api");
  api.checks = {http_check()};
  Workbench world({api});
  world.begin();
  world.exec("api");
  world.pass(Duration::zero());
  REQUIRE(world.all<StartProbe>().size() == 1);
  world.die("api", 9);
  CHECK(world.all<CancelProbe>() == std::vector{CancelProbe{world.all<StartProbe>()[0].probe}});
}

TEST_CASE("the guest is healthy when all services are where they should be and all checks pass", "[core]") {
  config::Model model;
  model.services = {service("api")};
  model.checks = {http_check()};
  Workbench world(model);
  world.begin();
  CHECK(world.supervisor().health().status == Health::starting);
  world.exec("api");
  CHECK(world.noticed("vm.ready"));
  world.pass(Duration::zero());
  world.probe(CheckId{0}, true);
  CHECK(world.supervisor().health().status == Health::healthy);
  CHECK(world.noticed("vm.healthy"));
  world.die("api", 9);
  CHECK(world.supervisor().health().reasons ==
        std::vector<std::string>{"api is backing off: killed by SIGKILL"});
  CHECK(world.noticed("vm.unhealthy"));
}

TEST_CASE("of what keeps the guest from being healthy, what is wrong is told before what is only starting",
          "[core]") {
  config::Model model;
  model.services = {after(service("slow"), 1, Condition::started), service("bad")};
  model.services[0].checks = {http_check()};
  Workbench world(model);
  world.begin();
  world.exec("bad");
  world.exec("slow");
  world.die("bad", 9);
  CHECK(world.supervisor().health().reasons ==
        std::vector<std::string>{"bad is backing off: killed by SIGKILL", "slow is not healthy yet"});
}

// --- the guest ---------------------------------------------------------------------------------------------

TEST_CASE("a batch ends when the last job has, with status 0", "[core]") {
  Workbench world({job("one"), after(job("two"), 0, Condition::completed)});
  world.begin();
  world.exec("one");
  world.exit("one");
  world.exec("two");
  CHECK(!world.outcome());
  world.exit("two");
  REQUIRE(world.outcome());
  CHECK(world.outcome()->status == 0);
  CHECK(world.outcome()->cause == "batch");
}

TEST_CASE("a batch's status is that of the first job that failed", "[core]") {
  Workbench world({job("one"), job("two")});
  world.begin();
  world.exec_all();
  world.die("two", 9);
  world.exit("one", 7);
  REQUIRE(world.outcome());
  CHECK(world.outcome()->status == 137);
}

TEST_CASE("a guest with a service in it does not end when its jobs do", "[core]") {
  Workbench world({job("one"), service("api")});
  world.begin();
  world.exec_all();
  world.exit("one");
  CHECK(!world.outcome());
}

TEST_CASE("a shutdown stops in reverse order and finishes when the last process is gone", "[core]") {
  Workbench world({service("db"), after(service("api"), 0), after(service("web"), 1)});
  world.begin();
  world.exec_all();
  world.forget();
  (void)world.command(ShutDown{PowerAction::shutdown, "SIGTERM"});
  world.exit("web");
  world.exit("api");
  CHECK(!world.outcome());
  world.exit("db");
  CHECK(world.notices() == std::vector<std::string>{"vm.stopping", "service.stopping web",
                                                    "service.exited web", "service.stopped web",
                                                    "service.stopping api", "service.exited api",
                                                    "service.stopped api", "service.stopping db",
                                                    "service.exited db", "service.stopped db"});
  REQUIRE(world.outcome());
  CHECK(world.outcome()->status == 0);
}

TEST_CASE("a shutdown kills everything at its deadline and does not wait for the unkillable", "[core]") {
  Workbench world({service("db"), after(service("api"), 0)});
  world.begin();
  world.exec_all();
  (void)world.command(ShutDown{});
  world.pass(seconds(30));
  CHECK(world.all<KillProcesses>().size() >= 2);
  CHECK(!world.outcome());
  world.pass(seconds(5));
  CHECK(world.outcome());
}

TEST_CASE("a shutdown during backoff waits for nobody", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  world.exit("api", 1);
  (void)world.command(ShutDown{});
  CHECK(world.outcome());
}

TEST_CASE("commands after the shutdown began are answered with gone", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  (void)world.command(ShutDown{});
  CHECK(world.command(StartService{world.id("api")}).verdict == Reply::Verdict::gone);
}

TEST_CASE("on_exit: shutdown ends the guest with the service's status", "[core]") {
  auto api = service("api");
  api.on_exit.failure = config::ExitAction::shutdown;
  Workbench world({api});
  world.begin();
  world.exec("api");
  world.exit("api", 3);
  REQUIRE(world.outcome());
  CHECK(world.outcome()->status == 3);
}

config::Model with_hooks(std::vector<std::string> programs) {
  config::Model model;
  model.services = {service("db")};
  for (auto& program : programs) model.hooks.pre_start.push_back({std::move(program), {}});
  return model;
}

TEST_CASE("pre_start hooks run one after another before the first service", "[core]") {
  Workbench world(with_hooks({"/one", "/two"}));
  world.begin();
  const auto first = world.all<SpawnProcess>().at(0);
  CHECK(first.subject == Subject(GuestHook{HookKind::pre_start, 0}));
  world.event(ProcessStarted{first.run, 5});
  CHECK(world.all<SpawnProcess>().size() == 1);
  world.event(ProcessExited{first.run, {}, false});
  const auto second = world.all<SpawnProcess>().at(1);
  CHECK(second.subject == Subject(GuestHook{HookKind::pre_start, 1}));
  world.event(ProcessExited{second.run, {}, false});
  CHECK(world.spawned("db") == 1);
}

TEST_CASE("a hook that fails stops the start and says which and why", "[core]") {
  Workbench world(with_hooks({"/one"}));
  world.begin();
  world.event(ProcessExited{world.all<SpawnProcess>()[0].run, {.code = 4}, false});
  CHECK(world.spawned("db") == 0);
  REQUIRE(world.outcome());
  CHECK(world.outcome()->status == 4);
  CHECK(world.outcome()->reason == "pre_start hook /one exited with 4");
}

TEST_CASE("a hook that hangs is killed after its time and stops the start", "[core]") {
  Workbench world(with_hooks({"/one"}));
  world.begin();
  const auto run = world.all<SpawnProcess>()[0].run;
  world.pass(seconds(60));
  CHECK(world.all<KillProcesses>() == std::vector{KillProcesses{run}});
  CHECK(!world.outcome());
  world.event(ProcessExited{run, {.signal = 9}, false});
  REQUIRE(world.outcome());
  CHECK(world.outcome()->reason == "pre_start hook /one did not end within 1m");
}

TEST_CASE("nothing is left to wait for once everything runs and has no checks", "[core]") {
  Workbench world({service("api")});
  world.begin();
  world.exec("api");
  CHECK(!world.supervisor().next_deadline());
}

}  // namespace
}  // namespace kestrel::core
