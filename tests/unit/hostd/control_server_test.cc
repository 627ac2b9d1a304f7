#include "hostd/runner/control_server.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

struct Bench : LoopBench, ControlTarget {
  Bench() {
    for (auto* log : {&logs_, &events_}) {
      auto opened = RecordLog::open(folder.file(log == &logs_ ? "logs" : "events"), {});
      REQUIRE(opened);
      *log = std::move(*opened);
    }
    REQUIRE(server.listen(folder.file("runner.sock")));
  }
  [[nodiscard]] std::string status_json() const override { return R"({"name":"site"})"; }
  [[nodiscard]] const std::string& runtime_id() const override { return runtime_id_; }
  Result<void> stop(StopRequested::Urgency urgency) override {
    if (is_foreign) return Error{"its VMM is somebody else's", EBUSY};
    stops.push_back(urgency);
    return {};
  }
  void pause(PauseAnswer answer) override { pauses.push_back(std::move(answer)); }
  void resume(PauseAnswer answer) override { answer(Error{"it is booting", EBUSY}); }
  RecordLog& logs() override { return logs_; }
  RecordLog& events() override { return events_; }

  TemporaryFolder folder;
  std::string runtime_id_ = "ab12";
  RecordLog logs_;
  RecordLog events_;
  std::vector<StopRequested::Urgency> stops;
  std::vector<PauseAnswer> pauses;
  bool is_foreign = false;
  ControlServer server{loop, *this};
};

struct Client {
  explicit Client(Bench& owner) : bench(owner) {
    auto connected = sys::connect_unix(bench.folder.file("runner.sock"));
    REQUIRE(connected);
    socket = std::move(*connected);
    inbox.emplace(socket.get());
  }
  void send(std::string_view method, std::string_view target) {
    const std::string text =
        concat(method, ' ', target, " HTTP/1.1\r\nHost: vm\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  void expect(std::string_view part) {
    bench.run_until([&] { return inbox->has(part); });
  }
  Bench& bench;
  sys::UniqueFd socket;
  std::optional<Inbox> inbox;
};

}  // namespace

TEST_CASE("the runner tells how its VM is, again and again on one connection", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.send("GET", "/v1/vm");
  client.expect(R"({"name":"site"})");
  client.send("GET", "/v1/nothing");
  client.expect("there is no GET /v1/nothing");
}

TEST_CASE("a stop is passed on with its urgency", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.send("POST", "/v1/stop");
  client.expect("202");
  client.send("POST", "/v1/stop?force=1");
  bench.run_until([&] { return bench.stops.size() == 2; });
  CHECK(bench.stops[0] == StopRequested::Urgency::orderly);
  CHECK(bench.stops[1] == StopRequested::Urgency::immediate);
}

TEST_CASE("who waits for the end is told how it was", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.send("POST", "/v1/stop?wait=1");
  bench.run_until([&] { return !bench.stops.empty(); });
  bench.server.finish({7, "it failed", {"because"}});
  client.expect(R"({"details":["because"],"message":"it failed","status":7})");
}

TEST_CASE("a stop that cannot be is refused, also to who would wait for it", "[hostd]") {
  Bench bench;
  bench.is_foreign = true;
  Client client(bench);
  client.send("POST", "/v1/stop?wait=1");
  client.expect("HTTP/1.1 409");
  client.send("GET", "/v1/vm");
  client.expect(R"({"name":"site"})");
}

TEST_CASE("records are listed, and followed until the VM ends", "[hostd]") {
  Bench bench;
  REQUIRE(bench.logs_.append("\"line\":\"one\""));
  REQUIRE(bench.logs_.append("\"line\":\"two\""));
  Client once(bench);
  once.send("GET", "/v1/logs?lines=1");
  once.expect("0\r\n\r\n");
  CHECK_FALSE(once.inbox->has("one"));
  CHECK(once.inbox->has("two"));

  Client follower(bench);
  follower.send("GET", "/v1/logs?follow=1&after=1");
  follower.expect("two");
  REQUIRE(bench.logs_.append("\"line\":\"three\""));
  follower.expect("three");
  CHECK_FALSE(follower.inbox->has("0\r\n\r\n"));
  bench.server.finish({});
  follower.expect("0\r\n\r\n");
}

TEST_CASE("a follower that does not read costs the runner no memory", "[hostd]") {
  Bench bench;
  Client slow(bench);
  slow.send("GET", "/v1/logs?follow=1");
  slow.expect("200");
  // Far more than is ever queued for one client: it is in the files alone.
  const std::string line = concat("\"line\":\"", std::string(10'000, 'x'), '"');
  for (int i = 0; i < 700; ++i) REQUIRE(bench.logs_.append(line));
  slow.expect("\"seq\":700,");
}

TEST_CASE("a reader that comes back learns whether the numbers are still those it knew", "[hostd]") {
  Bench bench;
  REQUIRE(bench.events_.append("\"type\":\"one\""));
  REQUIRE(bench.events_.append("\"type\":\"two\""));
  Client same(bench);
  same.send("GET", "/v1/events?after=1&runtime_id=ab12");
  same.expect("0\r\n\r\n");
  CHECK(same.inbox->has("Runtime-Id: ab12\r\n"));
  CHECK(same.inbox->has("two"));
  CHECK_FALSE(same.inbox->has("one"));
  Client stranger(bench);
  stranger.send("GET", "/v1/events?after=1&runtime_id=cd34");
  stranger.expect("HTTP/1.1 409");
  Client early(bench);
  early.send("GET", "/v1/events?after=3");
  early.expect("beyond the last record, 2");
}

TEST_CASE("who asks for a pause is answered when it is so, or told why not", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.send("POST", "/v1/pause");
  Client gone(bench);
  gone.send("POST", "/v1/pause");
  bench.run_until([&] { return bench.pauses.size() == 2; });
  CHECK_FALSE(client.inbox->has("HTTP"));
  gone.socket.reset();
  for (int round = 0; round < 5; ++round) bench.loop.post([] {}), bench.loop.run_once();
  for (const auto& answer : bench.pauses) answer(std::string(R"({"state":"paused"})"));
  client.expect(R"({"state":"paused"})");
  client.send("POST", "/v1/resume");
  client.expect("HTTP/1.1 409");
}

TEST_CASE("what makes no sense is answered with 400", "[hostd]") {
  Bench bench;
  const std::string target =
      GENERATE("/v1/logs?lines=many", "/v1/logs?lines=-1", "/v1/events?after=x", "/v1/logs?%zz");
  Client client(bench);
  client.send("GET", target);
  client.expect("400");
}

TEST_CASE("how a VM ended survives its way through JSON", "[hostd]") {
  const Outcome outcome{78, "the config is wrong", {"a: b", "c"}};
  const auto parsed = parse_outcome(to_json(outcome));
  REQUIRE(parsed);
  CHECK(*parsed == outcome);
  for (const auto* wrong : {"", "[]", "{}", R"({"status":"7"})"}) CHECK_FALSE(parse_outcome(wrong));
}
