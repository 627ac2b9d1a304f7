// A deployment's port, its replicas' runners played by the test.
#include "hostd/daemon/balancer.h"

#include "tests/unit/hostd/daemon/daemon_bench.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A deployment with two replicas, found again by the hostd of the test; a failure of either is made up for
/// so late that no test sees it.
struct Bench : Host {
  Bench() {
    Deployment api;
    api.name = "api";
    api.replicas = 2;
    api.publish = {{"127.0.0.1", 0, 80}};
    api.target.request.image = "site";
    api.target.spec = running("api").spec;
    REQUIRE(open_registry().save(api));
    for (const char* name : {"api-1", "api-2"}) {
      remember(running(name, {"api", 1}));
      runners.push_back(std::make_unique<FakeRunner>(loop, vm_folder(name)));
    }
    daemon.emplace(*this);
    for (const char* name : {"api-1", "api-2"}) daemon->expect_state(name, "healthy");
    run_until([&] { return !daemon->deployments.view("api").ports.empty(); });
  }
  [[nodiscard]] sys::UniqueFd connect() {
    auto socket = sys::connect_tcp("127.0.0.1", daemon->deployments.view("api").ports.front().host);
    REQUIRE(socket);
    return std::move(*socket);
  }
  [[nodiscard]] std::size_t taken() const { return runners[0]->taken.size() + runners[1]->taken.size(); }

  std::vector<std::unique_ptr<FakeRunner>> runners;
  std::optional<DaemonBench> daemon;
};

}  // namespace

TEST_CASE("connections to a deployment go to its replicas in turn, and work when they are there", "[hostd]") {
  Bench bench;
  std::vector<sys::UniqueFd> callers;
  for (int i = 0; i < 4; ++i) callers.push_back(bench.connect());
  bench.run_until([&] { return bench.taken() == 4; });
  CHECK(bench.runners[0]->taken.size() == 2);
  const auto& given = bench.runners[0]->taken.front();
  CHECK(given.guest_port == 80);
  REQUIRE(::send(given.connection.get(), "hello", 5, MSG_NOSIGNAL) == 5);
  bool is_heard = false;
  for (const auto& caller : callers) is_heard |= Inbox(caller.get()).has("hello");
  CHECK(is_heard);
}

TEST_CASE("a replica that is not healthy gets no connections", "[hostd]") {
  Bench bench;
  bench.runners[0]->become("unhealthy");
  bench.daemon->expect_state("api-1", "unhealthy");
  std::vector<sys::UniqueFd> callers;
  for (int i = 0; i < 3; ++i) callers.push_back(bench.connect());
  bench.run_until([&] { return bench.runners[1]->taken.size() == 3; });
  CHECK(bench.runners[0]->taken.empty());
  CHECK(json_of(bench.daemon->get("/v1/deployments/api")).at("healthy") == 1);
}

TEST_CASE("a replica that cannot be reached is passed over", "[hostd]") {
  Bench bench;
  ::unlink((bench.vm_folder("api-1") + "/handoff.sock").c_str());
  std::vector<sys::UniqueFd> callers;
  for (int i = 0; i < 3; ++i) callers.push_back(bench.connect());
  bench.run_until([&] { return bench.runners[1]->taken.size() == 3; });
}

TEST_CASE("where no replica is healthy a connection is closed", "[hostd]") {
  Bench bench;
  for (const auto& runner : bench.runners) runner->become("unhealthy");
  bench.daemon->expect_state("api-1", "unhealthy");
  bench.daemon->expect_state("api-2", "unhealthy");
  const auto caller = bench.connect();
  bench.run_until([&] { return Inbox(caller.get()).pull(); });
  CHECK(bench.taken() == 0);
}

TEST_CASE("scaling down retires a replica: it gets no connections, is asked to stop, and goes", "[hostd]") {
  Bench bench;
  bench.daemon->ask("PATCH", "/v1/deployments/api", R"({"replicas":1,"drain_timeout":"0s"})");
  bench.run_until([&] { return !bench.runners[0]->stops.empty() || !bench.runners[1]->stops.empty(); });
  const std::size_t gone = bench.runners[0]->stops.empty() ? 1 : 0;
  CHECK(bench.runners[gone]->stops == std::vector{StopRequested::Urgency::orderly});
  const auto caller = bench.connect();
  bench.run_until([&] { return bench.taken() == 1; });
  CHECK(bench.runners[gone]->taken.empty());
  bench.runners[gone]->end({});
  bench.runners[gone].reset();
  bench.run_until([&] { return bench.daemon->fleet.vms().size() == 1; });
  CHECK(json_of(bench.daemon->get("/v1/deployments/api")).at("state") == "healthy");
}

TEST_CASE("a deployment that is deleted goes when its replicas have gone, and lets its port go", "[hostd]") {
  Bench bench;
  const auto port = bench.daemon->deployments.view("api").ports.front().host;
  CHECK(json_of(bench.daemon->ask("DELETE", "/v1/deployments/api")).at("state") == "deleting");
  CHECK(bench.daemon->ask("PATCH", "/v1/deployments/api", R"({"replicas":5})").status == 409);
  bench.run_until([&] { return !bench.runners[0]->stops.empty() && !bench.runners[1]->stops.empty(); });
  for (const auto& runner : bench.runners) runner->end({});
  bench.runners.clear();
  bench.run_until([&] { return bench.daemon->get("/v1/deployments/api").status == 404; });
  CHECK(bench.daemon->fleet.vms().empty());
  bench.run_until([&] { return sys::listen_tcp("127.0.0.1", port).has_value(); });
  CHECK(bench.daemon->event_names().back() == "deployment.deleted");
}

TEST_CASE("a port that is taken is told where a deployment is made", "[hostd]") {
  Bench bench;
  const auto port = bench.daemon->deployments.view("api").ports.front().host;
  const auto refused = bench.daemon->ask(
      "POST", "/v1/deployments",
      concat(R"({"name":"other","image":"site","replicas":0,"publish":[")", port, R"(:80"]})"));
  CHECK(refused.status == 409);
  CHECK(bench.daemon->get("/v1/deployments/other").status == 404);
}
