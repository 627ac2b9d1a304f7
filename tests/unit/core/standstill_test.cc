#include <catch2/catch.hpp>

#include "tests/unit/core/workbench.h"

namespace kestrel::core {
namespace {

config::Model guest_with(config::Service one) {
  config::Model model;
  model.services = {std::move(one)};
  return model;
}

config::Service checked() {
  auto web = service("web");
  auto check = http_check();
  check.on_failure = config::OnUnhealthy::restart;
  check.failure_threshold = 1;
  check.start_period = {};
  web.checks = {check};
  return web;
}

TEST_CASE("a probe that was under way when time was lost says nothing and is done again at once", "[core]") {
  Workbench bench(guest_with(checked()));
  bench.begin();
  bench.exec("web");
  bench.pass(Duration::zero());
  REQUIRE(bench.all<StartProbe>().size() == 1);
  const auto lost = bench.all<StartProbe>()[0].probe;
  bench.event(TimeWasLost{seconds(60)});
  CHECK(bench.all<CancelProbe>().at(0).probe == lost);
  bench.event(ProbeFinished{CheckId{0}, lost, false, "connection reset"});
  CHECK(bench.state("web") == StateName::running);
  bench.pass(Duration::zero());
  REQUIRE(bench.all<StartProbe>().size() == 2);
  bench.probe(CheckId{0}, true);
  CHECK(bench.view("web").health == Health::healthy);
}

TEST_CASE("a pause longer than a probe may take restarts nothing", "[core]") {
  Workbench bench(guest_with(checked()));
  bench.begin();
  bench.exec("web");
  bench.pass(Duration::zero());
  bench.probe(CheckId{0}, true);
  bench.pass(seconds(10));
  REQUIRE(bench.all<StartProbe>().size() == 2);
  // The clock went on while nothing could: first the loss is told, then the deadline is looked at.
  bench.event(TimeWasLost{minutes(60)});
  bench.pass(Duration::zero());
  bench.probe(CheckId{0}, true);
  CHECK(bench.view("web").exits.empty());
  CHECK(bench.view("web").health == Health::healthy);
}

TEST_CASE("a service that was starting when time was lost has as long as before", "[core]") {
  auto web = service("web");
  web.ready = config::ReadyByNotify{};
  web.start_timeout = seconds(10);
  Workbench bench(guest_with(web));
  bench.begin();
  bench.exec("web");
  bench.pass(seconds(9));
  bench.event(TimeWasLost{seconds(30)});
  bench.pass(seconds(30));
  CHECK(bench.state("web") == StateName::starting);
  bench.pass(seconds(2));
  CHECK(bench.state("web") == StateName::stopping);
}

TEST_CASE("a watchdog, a hook and a stop have as long as before", "[core]") {
  auto web = service("web");
  web.ready = config::ReadyByNotify{};
  web.stop.timeout = seconds(10);
  Workbench bench(guest_with(web));
  bench.begin();
  bench.exec("web");
  bench.event(Notified{.run = bench.run_of("web"), .is_ready = true, .watchdog = seconds(5)});
  bench.pass(seconds(4));
  bench.event(TimeWasLost{seconds(20)});
  bench.pass(seconds(20));
  CHECK(bench.state("web") == StateName::running);
  CHECK(bench.command(StopService{bench.id("web")}).verdict == Reply::Verdict::done);
  bench.pass(seconds(9));
  bench.event(TimeWasLost{seconds(20)});
  bench.pass(seconds(20));
  CHECK(bench.all<KillProcesses>().empty());
  bench.pass(seconds(2));
  CHECK(bench.all<KillProcesses>().size() == 1);
}

TEST_CASE("a delay before a restart is not made longer by lost time", "[core]") {
  auto web = service("web");
  web.restart.backoff.initial = seconds(5);
  Workbench bench(guest_with(web));
  bench.begin();
  bench.exec("web");
  bench.exit("web", 1);
  REQUIRE(bench.state("web") == StateName::backing_off);
  bench.event(TimeWasLost{seconds(60)});
  bench.pass(seconds(5));
  CHECK(bench.spawned("web") == 2);
}

std::size_t resume_hooks(const Workbench& bench) {
  std::size_t count = 0;
  for (const auto& spawn : bench.all<SpawnProcess>()) {
    const auto* hook = std::get_if<GuestHook>(&spawn.subject);
    if (hook && hook->kind == HookKind::post_resume) ++count;
  }
  return count;
}

TEST_CASE("post_resume hooks run each time the guest goes on, and nothing else does", "[core]") {
  auto model = guest_with(service("web"));
  model.hooks.post_resume = {{"/bin/renew", {}}};
  Workbench bench(model);
  bench.begin();
  bench.exec_all();
  bench.event(Resumed{});
  REQUIRE(resume_hooks(bench) == 1);
  CHECK(bench.noticed("vm.resumed"));
  const auto run = bench.all<SpawnProcess>().back().run;
  bench.event(ProcessExited{run, {}, false});
  bench.event(Resumed{});
  CHECK(resume_hooks(bench) == 2);
  CHECK(bench.spawned("web") == 1);
}

TEST_CASE("post_resume hooks wait for other hooks of the guest", "[core]") {
  auto model = guest_with(service("web"));
  model.hooks.post_start = {{"/bin/announce", {}}};
  model.hooks.post_resume = {{"/bin/renew", {}}};
  Workbench bench(model);
  bench.begin();
  bench.exec("web");
  const auto announcing = bench.all<SpawnProcess>().back().run;
  bench.event(Resumed{});
  bench.event(Resumed{});
  CHECK(resume_hooks(bench) == 0);
  bench.event(ProcessExited{announcing, {}, false});
  CHECK(resume_hooks(bench) == 1);
}

}  // namespace
}  // namespace kestrel::core
