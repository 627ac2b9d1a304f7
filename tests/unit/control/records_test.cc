// logs and events: bodies that are made while they are sent.
#include "api_bench.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;

namespace {

/// The lines of a log answer, a gap as `gap FIRST-LAST`.
std::vector<std::string> shown(std::string_view body) {
  std::vector<std::string> lines;
  for (const auto& line : lines_of(body)) {
    if (line.contains("gap")) {
      lines.push_back(concat("gap ", line["gap"]["first"].get<int>(), "-", line["gap"]["last"].get<int>()));
    } else {
      lines.push_back(line["line"]);
    }
  }
  return lines;
}

using Lines = std::vector<std::string>;

struct LogBench : Bench {
  LogBench() {
    guest.add("api");
    guest.add("db");
  }
  Lines get_logs(std::string_view query) { return shown(get(concat("/v1/logs", query)).body); }
};

/// What a following client has got so far, without the framing of the chunks.
std::string streamed(const Client& client) {
  std::string body;
  const std::string_view whole = std::string_view(client.received).substr(0, client.received.rfind('\n') + 1);
  for (const std::string_view line : split(whole, '\n')) {
    if (line.starts_with('{')) body += std::string(line) + "\n";
  }
  return body;
}

}  // namespace

TEST_CASE("a log line is shown with its number, time, service and stream", "[control]") {
  LogBench bench;
  bench.guest.ring.push({1}, LogStream::standard_error, at.wall, "out of cheese \xff");
  const wire::Response response = bench.get("/v1/logs");
  CHECK(response.status == 200);
  CHECK(wire::find_header(response.headers, "Content-Type") == "application/x-ndjson");
  CHECK(response.body ==
        "{\"seq\":1,\"time\":\"2023-11-14T22:13:20.000Z\",\"service\":\"db\",\"stream\":\"stderr\","
        "\"line\":\"out of cheese \xef\xbf\xbd\"}\n");
}

TEST_CASE("logs can be chosen by service, number, count and time", "[control]") {
  LogBench bench;
  CHECK(bench.get_logs("").empty());
  for (int i = 0; i < 10; ++i) bench.guest.print(std::to_string(i), i % 2);
  CHECK(bench.get_logs("").size() == 10);
  CHECK(bench.get_logs("?service=db") == Lines{"1", "3", "5", "7", "9"});
  CHECK(bench.get_logs("?service=db&lines=2") == Lines{"7", "9"});
  CHECK(bench.get_logs("?after=8") == Lines{"8", "9"});
  CHECK(bench.get_logs("?lines=0").empty());
  CHECK(bench.get_logs("?since=2023-11-14T22:13:20.000Z").size() == 10);
  CHECK(bench.get_logs("?since=1s").empty());
  CHECK(bench.get_logs("?since=2023-11-14T22:13:20.000Z&lines=3&after=2") == Lines{"7", "8", "9"});
}

TEST_CASE("a request for logs that makes no sense is refused", "[control]") {
  LogBench bench;
  for (const char* query : {"?lines=-1", "?lines=x", "?since=yesterday", "?follow=often", "?after=1"}) {
    CHECK(bench.get(concat("/v1/logs", query)).status == 400);
  }
  const wire::Response unknown = bench.get("/v1/logs?service=dv");
  CHECK(unknown.status == 404);
  CHECK(problem_of(unknown) == "there is no service 'dv'; did you mean 'db'?");
}

TEST_CASE("lines that the ring dropped are a gap", "[control]") {
  LogBench bench;
  for (int i = 0; i < 200; ++i) bench.guest.print(std::string(1000, 'x'));
  const auto seen = bench.get_logs("");
  CHECK(seen.front() == concat("gap 1-", bench.guest.ring.dropped()));
  CHECK(seen.size() == 201 - bench.guest.ring.dropped());
}

TEST_CASE("an answer with many lines arrives whole", "[control]") {
  LogBench bench;
  for (int i = 0; i < 1500; ++i) bench.guest.print(std::to_string(i));
  const auto seen = bench.get_logs("");
  REQUIRE(seen.size() == 1500);
  CHECK(seen.back() == "1499");
}

TEST_CASE("a follower gets what was there and what comes", "[control]") {
  LogBench bench;
  bench.guest.print("old");
  Client& client = bench.connect();
  client.stream.write("GET /v1/logs?follow=1&service=api HTTP/1.1\r\nHost: vm\r\n\r\n");
  bench.run_until([&] { return shown(streamed(client)) == Lines{"old"}; });
  bench.guest.print("not for this reader", 1);
  bench.guest.print("new");
  bench.run_until([&] { return shown(streamed(client)) == Lines{"old", "new"}; });
  bench.guest.print("newer");
  bench.run_until([&] { return shown(streamed(client)) == Lines{"old", "new", "newer"}; });
  CHECK_FALSE(client.has_ended);
}

TEST_CASE("a follower that leaves is forgotten", "[control]") {
  LogBench bench;
  Client& client = bench.connect();
  client.stream.write("GET /v1/logs?follow=1 HTTP/1.1\r\nHost: vm\r\n\r\n");
  bench.run_until([&] { return !client.received.empty(); });
  client.stream = {};
  bench.run_until([&] { return bench.server.connection_count() == 0; });
  bench.guest.print("to nobody");
  bench.settle();
}

TEST_CASE("a follower that does not read holds up nothing and finds a gap", "[control]") {
  LogBench bench;
  Client& client = bench.connect();
  client.stream.write("GET /v1/logs?follow=1 HTTP/1.1\r\nHost: vm\r\n\r\n");
  bench.run_until([&] { return !client.received.empty(); });
  client.stream.stop_reading();
  const int total = 20'000;
  for (int i = 0; i < total; ++i) {
    bench.guest.print(concat(i, std::string(200, 'x')));
    if (i % 100 == 0) bench.settle();
  }
  // Whatever was not dropped lies in the ring, in the socket, or in a bounded queue: 4 MB were printed.
  client.stream.start_reading();
  bench.guest.print("end");
  bench.run_until([&] { return client.received.find("\"end\"") != std::string::npos; });
  std::uint64_t expected = 1;
  int gaps = 0;
  for (const auto& line : lines_of(streamed(client))) {
    const bool is_gap = line.contains("gap");
    REQUIRE((is_gap ? line["gap"]["first"] : line["seq"]) == expected);
    expected = (is_gap ? line["gap"]["last"].get<std::uint64_t>() : expected) + 1;
    gaps += is_gap ? 1 : 0;
  }
  CHECK(expected == total + 2);
  CHECK(gaps > 0);
  CHECK(client.received.size() < 2'000'000);
}

TEST_CASE("an event is shown with all its members", "[control]") {
  Bench bench;
  bench.guest.journal.append(at,
                             {.type = core::NoticeType::service_exited,
                              .service = core::ServiceId{0},
                              .pid = 5,
                              .exit = core::Exit{.code = 1},
                              .reason = "exited with 1"},
                             "api");
  CHECK(
      bench.get("/v1/events").body ==
      R"({"seq":1,"time":"2023-11-14T22:13:20.000Z","mono_ms":100000,"type":"service.exited","service":"api",)"
      R"("pid":5,"code":1,"signal":0,"oom":false,"reason":"exited with 1"})"
      "\n");
}

TEST_CASE("events are read on from a number, and a gap tells what is missing", "[control]") {
  Bench bench;
  for (int i = 0; i < 5000; ++i) bench.guest.happen(core::NoticeType::vm_healthy);
  const auto after = lines_of(bench.get("/v1/events?after=4998").body);
  REQUIRE(after.size() == 2);
  CHECK(after[0]["seq"] == 4999);
  CHECK_FALSE(after[0].contains("service"));
  const auto all = lines_of(bench.get("/v1/events").body);
  CHECK(all[0]["gap"]["first"] == 1);
  CHECK(all.size() == 1 + 5000 - all[0]["gap"]["last"].get<std::size_t>());
  CHECK(bench.get("/v1/events?after=5000").body.empty());
  CHECK(bench.get("/v1/events?after=5001").status == 400);
}

TEST_CASE("a follower of events gets each as it happens", "[control]") {
  Bench bench;
  Client& client = bench.connect();
  client.stream.write("GET /v1/events?follow=1 HTTP/1.1\r\nHost: vm\r\n\r\n");
  bench.run_until([&] { return !client.received.empty(); });
  bench.guest.happen(core::NoticeType::vm_ready);
  bench.run_until([&] { return lines_of(streamed(client)).size() == 1; });
  bench.guest.happen(core::NoticeType::vm_stopping);
  bench.run_until([&] { return lines_of(streamed(client)).size() == 2; });
  CHECK(lines_of(streamed(client))[1]["type"] == "vm.stopping");
}
