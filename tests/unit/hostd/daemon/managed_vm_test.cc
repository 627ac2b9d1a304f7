// What becomes of VMs when hostd ends and begins again, and when runners do.
#include "hostd/daemon/managed_vm.h"

#include <unistd.h>

#include <filesystem>

#include "tests/unit/hostd/daemon/daemon_bench.h"

using namespace kestrel;
using namespace kestrel::hostd;
using Names = std::vector<std::string>;

namespace {

/// A VM that ought to run, and its runner; the test makes hostds.
struct Bench : Host {
  Bench() {
    remember(running("web"));
    runner.emplace(loop, vm_folder("web"));
  }
  std::optional<FakeRunner> runner;
};

}  // namespace

TEST_CASE("a hostd that begins finds its VMs again, and takes over what they had recorded meanwhile",
          "[hostd]") {
  Bench bench;
  bench.runner->tell("\"type\":\"vm.started\"");
  bench.runner->become("healthy");
  DaemonBench daemon(bench);
  daemon.expect_state("web", "healthy");
  bench.run_until([&] { return daemon.event_names("web") == Names{"vm.started", "vm.healthy"}; });
}

TEST_CASE("each record becomes one event, however often hostd ends", "[hostd]") {
  Bench bench;
  for (int round = 1; round <= 5; ++round) {
    bench.runner->tell("\"type\":\"service.ready\",\"service\":\"api\"");
    DaemonBench daemon(bench);
    bench.run_until([&] { return daemon.event_names("web").size() == static_cast<std::size_t>(round); });
  }
  DaemonBench daemon(bench);
  daemon.expect_state("web", "healthy");
  CHECK(daemon.event_names("web").size() == 5);
}

TEST_CASE("how a VM ended while there was no hostd is told when there is one again", "[hostd]") {
  Bench bench;
  bench.runner->end({7, "it failed", {"because"}});
  bench.runner.reset();
  DaemonBench daemon(bench);
  daemon.expect_state("web", "crashed");
  CHECK(daemon.fleet.find("web")->record().run.outcome == Outcome{7, "it failed", {"because"}});
  CHECK(daemon.event_names("web") == Names{"vm.crashed"});
}

TEST_CASE("a VM that ended well has stopped, whoever wanted it", "[hostd]") {
  Bench bench;
  DaemonBench daemon(bench);
  daemon.expect_state("web", "healthy");
  bench.runner->end({});
  bench.runner.reset();
  daemon.expect_state("web", "stopped");
  CHECK(daemon.event_names("web") == Names{"vm.stopped"});
}

TEST_CASE("a VM whose runner dies without a word has crashed, with what its log says last", "[hostd]") {
  Bench bench;
  DaemonBench daemon(bench);
  daemon.expect_state("web", "healthy");
  bench.folder.write("vms/web/runner.log", "one\nit was too much\n");
  bench.runner.reset();
  daemon.expect_state("web", "crashed");
  CHECK(daemon.fleet.find("web")->record().run.outcome == Outcome{125, "it was too much", {}});
  CHECK(daemon.event_names("web") == Names{"vm.crashed"});
}

TEST_CASE("a VM whose folder is held but which does not answer is unknown, and nothing of it is touched",
          "[hostd]") {
  Host host;
  host.remember(host.running("web"));
  const auto held = RuntimeDir::claim(host.vm_folder("web"));
  REQUIRE(held);
  host.folder.write("vms/web/events.ndjson", "{}\n");
  DaemonBench daemon(host);
  daemon.expect_state("web", "unknown");
  host.settle();
  CHECK(daemon.state_of("web") == "unknown");
  CHECK(daemon.event_names("web").empty());
  CHECK(host.folder.has("vms/web/events.ndjson"));
  CHECK(daemon.ask("DELETE", "/v1/vms/web").status == 409);
  CHECK(daemon.ask("POST", "/v1/vms/web/pause").status == 503);
}

TEST_CASE("a runner that is there but was never wanted again is asked to stop", "[hostd]") {
  Host host;
  VmRecord vm = host.running("web");
  vm.is_wanted = false;
  host.remember(vm);
  FakeRunner runner(host.loop, host.vm_folder("web"));
  DaemonBench daemon(host);
  host.run_until([&] { return !runner.stops.empty(); });
  CHECK(runner.stops.front() == StopRequested::Urgency::orderly);
}

TEST_CASE("who stops a VM has it asked first, and it is no crash however it ends", "[hostd]") {
  Bench bench;
  DaemonBench daemon(bench);
  daemon.expect_state("web", "healthy");
  CHECK(daemon.ask("POST", "/v1/vms/web/stop").status == 202);
  bench.run_until([&] { return !bench.runner->stops.empty(); });
  CHECK(bench.runner->stops == std::vector{StopRequested::Urgency::orderly});
  bench.runner->end({143, "", {}});
  bench.runner.reset();
  daemon.expect_state("web", "stopped");
  CHECK(daemon.event_names("web") == Names{"vm.stopped"});
}

TEST_CASE("a stop by force does not ask the guest", "[hostd]") {
  Bench bench;
  DaemonBench daemon(bench);
  daemon.expect_state("web", "healthy");
  daemon.ask("POST", "/v1/vms/web/stop?force=1");
  bench.run_until([&] { return !bench.runner->stops.empty(); });
  CHECK(bench.runner->stops == std::vector{StopRequested::Urgency::immediate});
}

TEST_CASE("a VM that runs is deleted by force alone, and nothing of it is left", "[hostd]") {
  Bench bench;
  DaemonBench daemon(bench);
  daemon.expect_state("web", "healthy");
  CHECK(daemon.ask("DELETE", "/v1/vms/web").status == 409);
  bench.loop.post([&] {
    bench.runner->end({});
    bench.runner.reset();
  });
  CHECK(daemon.ask("DELETE", "/v1/vms/web?force=1").status == 200);
  CHECK(daemon.get("/v1/vms/web").status == 404);
  CHECK_FALSE(bench.folder.has("vms/web"));
  CHECK(daemon.event_names("web").back() == "vm.deleted");
}

TEST_CASE("a name that a VM of somebody else has is taken", "[hostd]") {
  Host host;
  DaemonBench daemon(host);
  const FakeRunner foreign(host.loop, host.vm_folder("web"));
  CHECK(daemon.ask("POST", "/v1/vms?start=0", R"({"image":"site","name":"web"})").status == 409);
  const auto created = daemon.ask("POST", "/v1/vms?start=0", R"({"image":"web"})");
  CHECK(json_of(created).at("name") == "web-2");
}

TEST_CASE("a VM that is changed is so from its next run on", "[hostd]") {
  Host host;
  {
    DaemonBench daemon(host);
    daemon.ask("POST", "/v1/vms?start=0",
               R"({"image":"site","name":"web","memory":"64M","env":{"A":"1","B":"2"}})");
    CHECK(daemon.ask("PATCH", "/v1/vms/web", R"({"memory":"128M","env":{"B":null,"C":"3"}})").status == 200);
  }
  DaemonBench daemon(host);
  const VmRecord& vm = daemon.fleet.find("web")->record();
  CHECK(vm.spec.memory == mebibytes(128));
  CHECK(vm.spec.env == std::map<std::string, std::string>{{"A", "1"}, {"C", "3"}});
}

TEST_CASE("another run of the name, begun without hostd, is taken over from its beginning", "[hostd]") {
  Bench bench;
  bench.runner->tell("\"type\":\"vm.started\"");
  {
    DaemonBench daemon(bench);
    bench.run_until([&] { return daemon.event_names("web").size() == 1; });
  }
  bench.runner.reset();
  bench.runner.emplace(bench.loop, bench.vm_folder("web"), "run-2");
  bench.runner->tell("\"type\":\"vm.started\"");
  DaemonBench daemon(bench);
  daemon.expect_state("web", "healthy");
  bench.run_until([&] { return daemon.event_names("web").size() == 2; });
}
