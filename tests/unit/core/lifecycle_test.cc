// Hooks, readiness, the watchdog and schedules: what surrounds the plain life of a service.
#include <catch2/catch.hpp>

#include "kestrel/core/supervisor.h"
#include "tests/unit/core/workbench.h"

namespace kestrel::core {
namespace {

/// The run of the hook that was spawned last.
RunId hook_run(const Workbench& world) { return world.all<SpawnProcess>().back().run; }
bool runs_hook(const Workbench& world, HookKind kind) {
  const auto subject = world.all<SpawnProcess>().back().subject;
  const auto* hook = std::get_if<ServiceHook>(&subject);
  return hook && hook->kind == kind;
}
void end_hook(Workbench& world, int code = 0) {
  world.event(ProcessExited{hook_run(world), {.code = code}, false});
}

config::Service with_hook(HookKind kind) {
  auto one = service("api");
  auto& list = kind == HookKind::pre_start    ? one.hooks.pre_start
               : kind == HookKind::post_start ? one.hooks.post_start
               : kind == HookKind::pre_stop   ? one.hooks.pre_stop
                                              : one.hooks.post_stop;
  list = {{"/bin/hook", {}}};
  return one;
}

// --- a service's hooks ---------------------------------------------------------------------------------

TEST_CASE("a service starts after its pre_start hook has succeeded", "[core]") {
  Workbench world({with_hook(HookKind::pre_start)});
  world.begin();
  CHECK(world.state("api") == StateName::starting);
  CHECK(world.spawned("api") == 0);
  end_hook(world);
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("a service that is stopped while its hooks prepare it is not started, whoever still stops",
          "[core]") {
  Workbench world({with_hook(HookKind::pre_start), after(service("web"), 0)});
  world.begin();
  world.event(ProcessExited{RunId{1}, {}, false});
  world.exec_all();
  world.exec_all();
  world.exit("api", 1);
  world.pass(seconds(1));
  const RunId hook{4};
  REQUIRE(world.all<SpawnProcess>().back().run == hook);
  (void)world.command(StopService{world.id("api"), true});
  REQUIRE(world.state("web") == StateName::stopping);
  world.event(ProcessExited{hook, {}, false});  // it ended before it could be killed
  CHECK(world.spawned("api") == 1);
  CHECK(world.state("api") == StateName::stopped);
}

TEST_CASE("a service does not start when its pre_start hook fails, and is tried again as after a crash",
          "[core]") {
  Workbench world({with_hook(HookKind::pre_start)});
  world.begin();
  end_hook(world, 5);
  CHECK(world.spawned("api") == 0);
  CHECK(world.view("api").reason == "pre_start hook /bin/hook exited with 5");
  CHECK(world.state("api") == StateName::backing_off);
  CHECK(world.noticed("hook.failed api"));
  world.pass(milliseconds(100));
  CHECK(runs_hook(world, HookKind::pre_start));
}

TEST_CASE("a hook that hangs is killed after a minute and counts as failed", "[core]") {
  Workbench world({with_hook(HookKind::pre_start)});
  world.begin();
  world.pass(seconds(60));
  CHECK(world.all<KillProcesses>().back().run == hook_run(world));
  world.event(ProcessExited{hook_run(world), {.signal = 9}, false});
  CHECK(world.view("api").reason == "pre_start hook /bin/hook did not end within 1m");
}

TEST_CASE("a hook is done only when what it left behind is gone", "[core]") {
  Workbench world({with_hook(HookKind::pre_start)});
  world.begin();
  const auto run = hook_run(world);
  world.event(ProcessExited{run, {}, true});
  CHECK(world.all<KillProcesses>() == std::vector{KillProcesses{run}});
  CHECK(world.spawned("api") == 0);
  world.event(ProcessesGone{run});
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("a service that is stopped during its pre_start hook never starts", "[core]") {
  Workbench world({with_hook(HookKind::pre_start)});
  world.begin();
  (void)world.command(StopService{world.id("api")});
  CHECK(world.state("api") == StateName::stopping);
  world.event(ProcessExited{hook_run(world), {.signal = 9}, false});
  CHECK(world.state("api") == StateName::stopped);
  CHECK(world.spawned("api") == 0);
}

TEST_CASE("a service is ready for others when its post_start hook has succeeded", "[core]") {
  Workbench world({with_hook(HookKind::post_start), after(service("web"), 0)});
  world.begin();
  world.exec("api");
  CHECK(runs_hook(world, HookKind::post_start));
  CHECK(world.spawned("web") == 0);
  end_hook(world);
  CHECK(world.spawned("web") == 1);
}

TEST_CASE("a service whose post_start hook fails is stopped", "[core]") {
  Workbench world({with_hook(HookKind::post_start)});
  world.begin();
  world.exec("api");
  end_hook(world, 1);
  CHECK(world.all<SignalProcess>().back().run == world.run_of("api"));
  world.exit("api");
  CHECK(world.view("api").reason == "post_start hook /bin/hook exited with 1");
}

TEST_CASE("the pre_stop hook runs before the stop signal is sent", "[core]") {
  Workbench world({with_hook(HookKind::pre_stop)});
  world.begin();
  world.exec("api");
  (void)world.command(StopService{world.id("api")});
  CHECK(runs_hook(world, HookKind::pre_stop));
  CHECK(world.all<SignalProcess>().empty());
  end_hook(world, 1);
  CHECK(world.all<SignalProcess>().size() == 1);
}

TEST_CASE("the post_stop hook runs after a stop and after a crash", "[core]") {
  Workbench world({with_hook(HookKind::post_stop)});
  world.begin();
  world.exec("api");
  world.die("api", 9);
  CHECK(runs_hook(world, HookKind::post_stop));
  CHECK(world.state("api") == StateName::stopping);
  end_hook(world);
  CHECK(world.state("api") == StateName::backing_off);
}

// --- the guest's hooks -------------------------------------------------------------------------------------

TEST_CASE("the guest's pre_stop hooks run before and its post_stop hooks after the services stop", "[core]") {
  config::Model model;
  model.services = {service("api")};
  model.hooks.pre_stop = {{"/bin/before", {}}};
  model.hooks.post_stop = {{"/bin/after", {}}};
  Workbench world(model);
  world.begin();
  world.exec("api");
  (void)world.command(ShutDown{});
  CHECK(world.state("api") == StateName::running);
  end_hook(world);
  CHECK(world.state("api") == StateName::stopping);
  world.exit("api");
  CHECK(!world.outcome());
  end_hook(world);
  CHECK(world.outcome());
}

TEST_CASE("on_unhealthy hooks run once when the guest becomes unhealthy", "[core]") {
  config::Model model;
  model.services = {service("api")};
  model.hooks.on_unhealthy = {{"/bin/alarm", {}}};
  Workbench world(model);
  world.begin();
  world.exec("api");
  world.die("api", 9);
  const auto subject = world.all<SpawnProcess>().back().subject;
  CHECK(subject == Subject(GuestHook{HookKind::on_unhealthy, 0}));
}

// --- readiness ---------------------------------------------------------------------------------------------

config::Service speaking(config::Readiness ready) {
  auto one = service("db");
  one.ready = std::move(ready);
  return one;
}

TEST_CASE("a program that tells of its readiness is ready only then", "[core]") {
  Workbench world({speaking(config::ReadyByNotify{}), after(service("api"), 0)});
  world.begin();
  world.exec("db");
  CHECK(world.state("db") == StateName::starting);
  CHECK(world.spawned("api") == 0);
  world.event(Notified{.run = world.run_of("db"), .is_ready = true});
  CHECK(world.state("db") == StateName::running);
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("a dependent on started need not wait for readiness", "[core]") {
  Workbench world({speaking(config::ReadyByNotify{}), after(service("api"), 0, config::Condition::started)});
  world.begin();
  CHECK(world.spawned("api") == 0);
  world.exec("db");
  CHECK(world.spawned("api") == 1);
}

TEST_CASE("a program that is not ready in time is stopped and counts as failed", "[core]") {
  auto db = speaking(config::ReadyByFd{});
  db.start_timeout = seconds(5);
  Workbench world({db});
  world.begin();
  world.exec("db");
  world.pass(seconds(5));
  CHECK(world.state("db") == StateName::stopping);
  world.exit("db");
  CHECK(world.view("db").exits.back().cause == ExitCause::start_timeout);
  CHECK(world.view("db").reason == "not ready in time");
}

TEST_CASE("a start may be given more time by the program itself", "[core]") {
  auto db = speaking(config::ReadyByNotify{});
  db.start_timeout = seconds(5);
  Workbench world({db});
  world.begin();
  world.exec("db");
  world.pass(seconds(4));
  world.event(Notified{.run = world.run_of("db"), .extends_by = seconds(10)});
  world.pass(seconds(9));
  CHECK(world.state("db") == StateName::starting);
  world.pass(seconds(1));
  CHECK(world.state("db") == StateName::stopping);
}

TEST_CASE("a program that can never become ready has failed to start", "[core]") {
  Workbench world({speaking(config::ReadyByFd{})});
  world.begin();
  world.exec("db");
  world.event(ReadinessRuledOut{world.run_of("db"), "it closed descriptor 3"});
  CHECK(world.state("db") == StateName::stopping);
  world.exit("db");
  CHECK(world.view("db").reason == "it closed descriptor 3");
}

TEST_CASE("a program that is ready by its port is ready at the first connection", "[core]") {
  Workbench world({speaking(config::ReadyByTcp{5432})});
  world.begin();
  world.exec("db");
  world.pass(Duration::zero());
  world.probe(CheckId{0}, false);
  CHECK(world.state("db") == StateName::starting);
  world.pass(milliseconds(100));
  world.probe(CheckId{0}, true);
  CHECK(world.state("db") == StateName::running);
  CHECK(!world.supervisor().next_deadline());
}

TEST_CASE("a status that a program tells is shown until the next run", "[core]") {
  Workbench world({speaking(config::ReadyByNotify{})});
  world.begin();
  world.exec("db");
  world.event(Notified{.run = world.run_of("db"), .status = "replaying the log"});
  CHECK(world.view("db").status == "replaying the log");
  world.die("db", 9);
  world.pass(seconds(1));
  CHECK(world.view("db").status.empty());
}

TEST_CASE("a program that asked for a watchdog and falls silent is restarted", "[core]") {
  Workbench world({speaking(config::ReadyByNotify{})});
  world.begin();
  world.exec("db");
  world.event(Notified{.run = world.run_of("db"), .is_ready = true, .watchdog = seconds(2)});
  world.pass(seconds(1));
  world.event(Notified{.run = world.run_of("db"), .is_alive = true});
  world.pass(seconds(1));
  CHECK(world.state("db") == StateName::running);
  world.pass(seconds(1));
  CHECK(world.state("db") == StateName::stopping);
  world.exit("db");
  CHECK(world.view("db").exits.back().cause == ExitCause::probe);
}

// --- schedules ---------------------------------------------------------------------------------------------

std::optional<WallTime> every_hour(const config::Schedule&, WallTime after) {
  return WallTime(std::chrono::floor<hours>(after.time_since_epoch()) + hours(1));
}

config::Model with_schedule(config::Overlap concurrency) {
  config::Model model;
  auto one = job("report");
  one.schedule = config::Schedule{.expression = "0 * * * *", .concurrency = concurrency};
  model.services = {one};
  return model;
}

TEST_CASE("a scheduled service runs when it is due, and again the next time", "[core]") {
  Workbench world(with_schedule(config::Overlap::forbid), every_hour);
  world.begin();
  CHECK(world.state("report") == StateName::waiting);
  world.pass(minutes(43));
  CHECK(world.spawned("report") == 0);
  world.pass(minutes(1));
  CHECK(world.spawned("report") == 1);
  world.exec("report");
  world.exit("report", 1);
  CHECK(world.state("report") == StateName::waiting);
  world.pass(hours(1));
  CHECK(world.spawned("report") == 2);
}

TEST_CASE("a scheduled service that still runs when it is due again is left alone", "[core]") {
  Workbench world(with_schedule(config::Overlap::forbid), every_hour);
  world.begin();
  world.pass(hours(1));
  world.exec("report");
  world.pass(hours(3));
  CHECK(world.spawned("report") == 1);
  CHECK(world.all<SignalProcess>().empty());
}

TEST_CASE("with replace, the next run takes the place of one that still runs", "[core]") {
  Workbench world(with_schedule(config::Overlap::replace), every_hour);
  world.begin();
  world.pass(hours(1));
  world.exec("report");
  world.pass(hours(1));
  CHECK(world.state("report") == StateName::stopping);
  world.die("report", 15);
  CHECK(world.spawned("report") == 2);
}

TEST_CASE("with replace, the next run waits until nothing of the one before is left", "[core]") {
  Workbench world(with_schedule(config::Overlap::replace), every_hour);
  world.begin();
  world.pass(hours(1));
  world.exec("report");
  const auto first = world.run_of("report");
  world.pass(hours(1));
  world.event(ProcessExited{first, {.signal = 15}, true});
  CHECK(world.spawned("report") == 1);
  CHECK(world.view("report").runs.size() == 2);
  world.event(ProcessesGone{first});
  CHECK(world.spawned("report") == 2);
  CHECK(world.view("report").exits.back().cause == ExitCause::stop);
}

TEST_CASE("with replace, the clock that is set decides and not the time that passes", "[core]") {
  Workbench world(with_schedule(config::Overlap::replace), every_hour);
  world.begin();
  world.pass(hours(1));
  world.exec("report");
  world.step_clock(minutes(45));
  world.pass(minutes(2));
  CHECK(world.state("report") == StateName::stopping);
}

TEST_CASE("an operator starts a scheduled service before it is due, and then it is due as ever", "[core]") {
  Workbench world(with_schedule(config::Overlap::forbid), every_hour);
  world.begin();
  const auto due = world.view("report").next_start;
  REQUIRE(due);
  CHECK(world.command(StartService{world.id("report")}).changed.size() == 1);
  CHECK(world.spawned("report") == 1);
  CHECK(world.command(StartService{world.id("report")}).changed.empty());
  world.exec("report");
  world.exit("report");
  CHECK(world.state("report") == StateName::waiting);
  CHECK(world.view("report").next_start == due);
  CHECK(world.spawned("report") == 1);
}

// --- runs side by side -----------------------------------------------------------------------------------

/// Three hours, three runs, all up.
Workbench with_three_runs() {
  Workbench world(with_schedule(config::Overlap::allow), every_hour);
  world.begin();
  for (int i = 0; i < 3; ++i) {
    world.pass(hours(1));
    world.exec("report");
  }
  return world;
}

TEST_CASE("with allow, runs of one schedule go on side by side, each with its own process", "[core]") {
  auto world = with_three_runs();
  CHECK(world.all<SignalProcess>().empty());
  const auto view = world.view("report");
  REQUIRE(view.runs.size() == 3);
  CHECK(view.runs[0].pid == 1001);
  CHECK(view.runs[2].pid == 1003);
  CHECK(view.pid == 1003);
  CHECK(view.state == StateName::running);
  CHECK(view.next_start);
}

TEST_CASE("with allow, the end of each run is recorded, and the others go on", "[core]") {
  auto world = with_three_runs();
  world.event(ProcessExited{RunId{2}, {.code = 3}, false});
  world.event(ProcessExited{RunId{3}, {}, false});
  const auto view = world.view("report");
  REQUIRE(view.runs.size() == 1);
  CHECK(view.pid == 1001);
  CHECK(view.exits.size() == 2);
  CHECK(view.exits[0].exit.code == 3);
  CHECK(world.noticed("service.failed report"));
  CHECK(world.noticed("job.completed report"));
  CHECK(view.state == StateName::running);
}

TEST_CASE("a stop ends every run of a schedule, and the service is stopped when the last is gone", "[core]") {
  auto world = with_three_runs();
  (void)world.command(StopService{world.id("report")});
  CHECK(world.all<SignalProcess>().size() == 3);
  for (const std::uint64_t run : {1U, 3U}) world.event(ProcessExited{RunId{run}, {.signal = 15}, false});
  CHECK(world.state("report") == StateName::stopping);
  CHECK(!world.noticed("service.stopped report"));
  world.event(ProcessExited{RunId{2}, {.signal = 15}, false});
  CHECK(world.state("report") == StateName::stopped);
  CHECK(world.noticed("service.stopped report"));
  world.pass(hours(5));
  CHECK(world.spawned("report") == 3);
}

TEST_CASE("a run that hangs in its stop is killed at its own deadline", "[core]") {
  auto model = with_schedule(config::Overlap::allow);
  model.services[0].stop.timeout = seconds(10);
  Workbench world(std::move(model), every_hour);
  world.begin();
  world.pass(hours(1));
  world.exec("report");
  world.pass(hours(1));
  world.exec("report");
  (void)world.command(StopService{world.id("report")});
  world.event(ProcessExited{RunId{1}, {.signal = 15}, false});
  world.pass(seconds(10));
  CHECK(world.all<KillProcesses>() == std::vector<KillProcesses>{{RunId{2}}});
}

TEST_CASE("a restart and a signal reach every run of a schedule", "[core]") {
  auto world = with_three_runs();
  (void)world.command(SignalService{world.id("report"), 1});
  CHECK(world.all<SignalProcess>().size() == 3);
  (void)world.command(RestartService{world.id("report")});
  for (const std::uint64_t run : {1U, 2U, 3U}) world.event(ProcessExited{RunId{run}, {.signal = 15}, false});
  CHECK(world.spawned("report") == 6);
  CHECK(world.view("report").runs.size() == 3);
}

TEST_CASE("a schedule whose runs hang begins no more than 32 of them, and says what it skips", "[core]") {
  Workbench world(with_schedule(config::Overlap::allow), every_hour);
  world.begin();
  world.pass(hours(40));
  CHECK(world.spawned("report") == 32);
  CHECK(world.noticed("service.skipped report"));
  world.exec_all();
  world.event(ProcessExited{RunId{7}, {}, false});
  world.pass(hours(1));
  CHECK(world.spawned("report") == 33);
}

TEST_CASE("a shutdown ends every run of a schedule", "[core]") {
  auto world = with_three_runs();
  (void)world.command(ShutDown{});
  CHECK(world.all<SignalProcess>().size() == 3);
  for (const std::uint64_t run : {1U, 2U}) world.event(ProcessExited{RunId{run}, {.signal = 15}, false});
  CHECK(!world.outcome());
  world.event(ProcessExited{RunId{3}, {.signal = 15}, false});
  CHECK(world.outcome());
}

TEST_CASE("a run of a schedule that is tried again counts its own failures", "[core]") {
  auto model = with_schedule(config::Overlap::allow);
  model.services[0].restart.policy = config::RestartPolicy::on_failure;
  model.services[0].restart.max_restarts = 1;
  Workbench world(std::move(model), every_hour);
  world.begin();
  for (int i = 0; i < 2; ++i) {
    world.pass(*world.view("report").next_start);
    world.exec("report");
    world.exit("report", 1);
    CHECK(world.state("report") == StateName::backing_off);
    world.pass(seconds(1));
    world.exec("report");
    world.exit("report", 1);
    CHECK(world.state("report") == StateName::waiting);
  }
  CHECK(world.spawned("report") == 4);
  CHECK(world.view("report").restarts == 2);
}

TEST_CASE("the runs of a schedule come and go without a word about the guest's health", "[core]") {
  Workbench world(with_schedule(config::Overlap::forbid), every_hour);
  world.begin();
  world.pass(hours(3));
  world.exec("report");
  world.exit("report", 1);
  CHECK(world.noticed("vm.healthy"));
  CHECK(!world.noticed("vm.unhealthy"));
}

TEST_CASE("an operator stops what a run before left and starts a run anew", "[core]") {
  Workbench world(with_schedule(config::Overlap::forbid), every_hour);
  world.begin();
  world.pass(hours(1));
  world.exec("report");
  (void)world.command(StopService{world.id("report")});
  (void)world.command(StartService{world.id("report")});
  CHECK(world.spawned("report") == 1);
  world.die("report", 15);
  CHECK(world.spawned("report") == 2);
}

// --- the clock -------------------------------------------------------------------------------------------

TEST_CASE("a clock set ahead past several times makes up for them with one run", "[core]") {
  Workbench world(with_schedule(config::Overlap::allow), every_hour);
  world.begin();
  world.step_clock(hours(5));
  world.pass(minutes(1));
  CHECK(world.spawned("report") == 1);
  world.pass(minutes(50));
  CHECK(world.spawned("report") == 2);
}

TEST_CASE("a clock that is said to be set counts at once", "[core]") {
  Workbench world(with_schedule(config::Overlap::forbid), every_hour);
  world.begin();
  world.step_clock(hours(1));
  world.event(ClockWasSet{});
  CHECK(world.spawned("report") == 1);
}

TEST_CASE("a clock set back makes the times come again that it shows again, and none early", "[core]") {
  Workbench world(with_schedule(config::Overlap::allow), every_hour);
  world.begin();
  world.pass(minutes(50));
  REQUIRE(world.spawned("report") == 1);
  world.step_clock(-hours(1));
  world.pass(minutes(50));
  CHECK(world.spawned("report") == 1);
  world.pass(minutes(10));
  CHECK(world.spawned("report") == 2);
}

TEST_CASE("a guest with a scheduled service is no batch", "[core]") {
  Workbench world(with_schedule(config::Overlap::forbid), every_hour);
  world.begin();
  world.pass(hours(5));
  CHECK(!world.outcome());
}

}  // namespace
}  // namespace kestrel::core
