// The list of all events, as readers of the API get it.
#include "tests/unit/hostd/daemon/daemon_bench.h"

using namespace kestrel;
using namespace kestrel::hostd;
using nlohmann::json;

namespace {

struct Bench : Host {
  void add(const char* vm, const char* name) {
    REQUIRE(daemon.registry.append_event(
        vm, name, concat("\"time\":\"2026-01-02T03:04:05.678Z\",\"event\":\"", name, '"')));
    daemon.fleet.tell_events();
  }
  std::vector<std::uint64_t> seqs(const std::string& query) {
    std::vector<std::uint64_t> found;
    const auto answer = daemon.get("/v1/events" + query);
    for (const std::string_view line : split(answer.body, '\n')) {
      if (!line.empty()) found.push_back(json::parse(line).value("seq", std::uint64_t{0}));
    }
    return found;
  }
  DaemonBench daemon{*this};
};

struct Reader {
  Reader(Bench& bench, const char* target) {
    wire::Request request;
    request.method = "GET";
    request.target = target;
    follow.emplace(bench.loop, bench.folder.file("hostd.sock"), request, seconds(10),
                   FollowCallbacks{.on_head = [](const wire::Response&, int) {},
                                   .on_body = [this](std::string_view bytes) { body.append(bytes); },
                                   .on_end = [this](const Error*) { has_ended = true; }});
  }
  [[nodiscard]] bool has(std::string_view part) const { return body.find(part) != std::string::npos; }
  std::string body;
  bool has_ended = false;
  std::optional<HttpFollow> follow;
};

using Seqs = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("events are listed from the oldest, behind a number, of a kind, of a VM", "[hostd]") {
  Bench bench;
  bench.add("web", "vm.ready");
  bench.add("db", "vm.ready");
  bench.add("web", "service.ready");
  bench.add("", "deployment.created");
  CHECK(bench.seqs("") == Seqs{1, 2, 3, 4});
  CHECK(bench.seqs("?after=2") == Seqs{3, 4});
  CHECK(bench.seqs("?after=4").empty());
  CHECK(bench.seqs("?kind=vms") == Seqs{1, 2});
  CHECK(bench.seqs("?kind=services") == Seqs{3});
  CHECK(bench.seqs("?kind=deployments") == Seqs{4});
  CHECK(bench.seqs("?vm=web") == Seqs{1, 3});
}

TEST_CASE("a follower gets what was, and then what happens", "[hostd]") {
  Bench bench;
  bench.add("web", "vm.started");
  const Reader reader(bench, "/v1/events?follow=1");
  bench.run_until([&] { return reader.has("vm.started"); });
  bench.add("web", "vm.ready");
  bench.run_until([&] { return reader.has("vm.ready"); });
  CHECK_FALSE(reader.has_ended);
}

TEST_CASE("a follower who wants one kind is not told of another", "[hostd]") {
  Bench bench;
  const Reader reader(bench, "/v1/events?follow=1&kind=deployments");
  bench.add("web", "vm.ready");
  bench.add("", "deployment.created");
  bench.run_until([&] { return reader.has("deployment.created"); });
  CHECK_FALSE(reader.has("vm.ready"));
}

TEST_CASE("a browser is told events in its own form, and may come back behind the last", "[hostd]") {
  Bench bench;
  bench.add("web", "vm.started");
  bench.add("web", "vm.ready");
  wire::Request request;
  request.method = "GET";
  request.target = "/v1/events";
  request.headers = {{"Accept", "text/event-stream"}, {"Last-Event-ID", "1"}};
  std::optional<wire::Response> answer;
  bench.daemon.calls.ask(bench.folder.file("hostd.sock"), request, seconds(10),
                         [&](Result<wire::Response> response) { answer = *response; });
  bench.run_until([&] { return answer.has_value(); });
  CHECK(wire::find_header(answer->headers, "Content-Type") == "text/event-stream");
  CHECK(answer->body.starts_with("id: 2\ndata: {\"seq\":2,"));
  CHECK(answer->body.ends_with("}\n\n"));
}

TEST_CASE("who comes back too late is told which events are not kept any more", "[hostd]") {
  Bench bench;
  for (int i = 0; i < 4; ++i) bench.add("web", "vm.ready");
  auto database = Database::open(bench.folder.file("registry.db"), 0x4b53544c);
  REQUIRE(database);
  REQUIRE(database->execute("DELETE FROM events WHERE seq <= 2"));
  CHECK(bench.daemon.get("/v1/events?after=1").body.starts_with("{\"gap\":{\"first\":2,\"last\":2}}\n"));
  CHECK(bench.seqs("?after=1") == Seqs{0, 3, 4});
  CHECK(bench.seqs("") == Seqs{3, 4});
}

TEST_CASE("a follower of one kind has no gap where only others were given up", "[hostd]") {
  Bench bench;
  const Reader reader(bench, "/v1/events?follow=1&kind=deployments");
  for (int i = 0; i < 4; ++i) bench.add("web", "vm.ready");
  bench.add("", "deployment.created");
  bench.run_until([&] { return reader.has("deployment.created"); });
  for (int i = 0; i < 4; ++i) bench.add("web", "vm.ready");
  bench.settle();
  auto database = Database::open(bench.folder.file("registry.db"), 0x4b53544c);
  REQUIRE(database);
  REQUIRE(database->execute("DELETE FROM events WHERE seq <= 8"));
  bench.add("", "deployment.deleted");
  bench.run_until([&] { return reader.has("deployment.deleted"); });
  CHECK_FALSE(reader.has("gap"));
}
