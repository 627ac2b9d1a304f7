#include "kestrel/wire/api_reports.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"

using namespace kestrel;
using namespace kestrel::wire;

namespace {

const WallTime now = parse_time("2026-01-31T12:00:10.000Z").value();
constexpr auto off = Table::Colours::off;
constexpr auto on = Table::Colours::on;

constexpr std::string_view unhappy_service =
    R"({"name":"api","kind":"service","state":"backing_off","reason":"exited with 3","desired":"running","pid":null,
        "since":"2026-01-31T12:00:08.000Z","restarts":4,"next_start_ms":800,"ready":false,"health":"starting",
        "checks":[{"name":"http","type":"http","status":"unhealthy","failures":2,
                   "last":{"time":"2026-01-31T12:00:05.000Z","ok":false,"message":"connection refused"}},
                  {"name":"tcp","type":"tcp","status":"starting","failures":0,"last":null}],
        "exits":[{"time":"2026-01-31T11:59:10.000Z","code":0,"signal":9,"cause":"signal","uptime_ms":60000},
                 {"time":"2026-01-31T12:00:08.000Z","code":3,"signal":0,"cause":"exit","uptime_ms":850}],
        "memory_bytes":null,"cpu_ms":null})";

}  // namespace

TEST_CASE("services are a table with a row each", "[wire]") {
  const auto text = report_services(
      R"({"services":[{"name":"api","kind":"service","state":"running","health":"healthy","pid":7,"restarts":1,
          "since":"2026-01-31T12:00:00.000Z","reason":""}]})",
      now);
  REQUIRE(text);
  CHECK(*text ==
        "NAME   KIND      STATE     HEALTH    PID   RESTARTS   SINCE   REASON\n"
        "api    service   running   healthy   7     1          10s     -\n");
}

TEST_CASE("states have colours where colours are wanted", "[wire]") {
  const auto text =
      report_services(R"({"services":[{"name":"a","state":"failed","health":"healthy"}]})", now, on);
  REQUIRE(text);
  CHECK(text->find("\x1b[31mfailed\x1b[0m") != std::string::npos);
  CHECK(text->find("\x1b[32mhealthy\x1b[0m") != std::string::npos);
}

TEST_CASE("a service is told with its checks and how it ended before, the latest end first", "[wire]") {
  const auto report = report_service(unhappy_service, now, off);
  REQUIRE(report);
  CHECK(report->text ==
        "name         api\n"
        "kind         service\n"
        "state        backing_off\n"
        "reason       exited with 3\n"
        "since        2.0s ago\n"
        "next start   in 800ms\n"
        "health       starting\n"
        "restarts     4\n"
        "\n"
        "CHECK   TYPE   HEALTH      FAILURES   LAST       RESULT\n"
        "http    http   unhealthy   2          5.0s ago   connection refused\n"
        "tcp     tcp    starting    0          -          -\n"
        "\n"
        "ENDED       HOW                 AFTER\n"
        "2.0s ago    exited with 3       850ms\n"
        "1m00s ago   killed by SIGKILL   1m00s\n");
}

TEST_CASE("a service that fails, waits for its restart or is unhealthy is in trouble", "[wire]") {
  const auto is_in_trouble = [](std::string_view state, std::string_view health) {
    return report_service(concat(R"({"state":")", state, R"(","health":")", health, "\"}"), now, off)
        ->is_in_trouble;
  };
  for (const char* state : {"failed", "blocked", "backing_off"}) CHECK(is_in_trouble(state, "none"));
  CHECK(is_in_trouble("running", "unhealthy"));
  for (const char* state : {"waiting", "starting", "running", "stopping", "completed", "stopped"}) {
    CHECK_FALSE(is_in_trouble(state, "starting"));
  }
}

TEST_CASE("health is told with its reasons", "[wire]") {
  const auto text =
      report_health(R"({"status":"unhealthy","reasons":["service api is failed"],"checks":[]})", now, off);
  REQUIRE(text);
  CHECK(*text == "unhealthy\nservice api is failed\n");
}

TEST_CASE("the guest as a whole is one line", "[wire]") {
  const auto text = report_summary(R"({"state":"up","uptime_ms":192000})", R"({"status":"healthy"})", off);
  REQUIRE(text);
  CHECK(*text == "up for 3m12s, healthy\n");
}

TEST_CASE("a refusal has its detail and who stands in the way", "[wire]") {
  Response response;
  response.status = 409;
  response.body = R"({"detail":"cannot stop db: api requires it","dependents":["api"]})";
  CHECK(read_refusal(response).detail == "cannot stop db: api requires it");
  CHECK(read_refusal(response).dependents == std::vector<std::string>{"api"});
  response.body = "<html>";
  CHECK(read_refusal(response).detail == "the answer was 409 Conflict");
}

TEST_CASE("what a command changed are names", "[wire]") {
  CHECK(parse_changed(R"({"changed":["db","api"]})").value() == std::vector<std::string>{"db", "api"});
  CHECK(parse_changed(R"({"changed":[7,null]})")->empty());
  CHECK_FALSE(parse_changed("[]"));
}

TEST_CASE("events are a line each, and what is none is nothing", "[wire]") {
  CHECK(report_event("nonsense").empty());
  CHECK(report_event(R"({"gap":{"first":1,"last":3}})") == "… events are missing here\n");
  CHECK(report_event(
            R"({"time":"t","type":"service.exited","service":"a","reason":"exited with 7","pid":3})") ==
        "t  service.exited  a  exited with 7  pid 3\n");
}

TEST_CASE("log records and gaps are told apart", "[wire]") {
  const auto line = parse_log_record(R"({"seq":1,"service":"a","line":"x"})");
  REQUIRE(line);
  CHECK(line->service == "a");
  CHECK(line->lost == 0);
  CHECK(parse_log_record(R"({"gap":{"first":5,"last":9}})")->lost == 5);
  CHECK(parse_log_record(R"({"gap":{"first":5,"last":9,"lines":2}})")->lost == 2);
  CHECK_FALSE(parse_log_record("x"));
}

TEST_CASE("log lines are raw in a pipe and harmless on a terminal", "[wire]") {
  CHECK(format_log_line("a", "x\x1b[2Jy", {}) == "[a] x\x1b[2Jy\n");
  const std::string shown = format_log_line("a", "x\x1b[2Jy", {true, false});
  CHECK(shown.find('\x1b') == std::string::npos);
  CHECK(format_log_line("a", "x", {true, true}).find("m[a]\x1b[0m x\n") != std::string::npos);
}

TEST_CASE("answers of another shape than expected are errors or blanks, never crashes", "[wire]") {
  for (const char* text : {"", "nonsense", "[]", "7", "null"}) {
    CHECK_FALSE(report_services(text, now));
    CHECK_FALSE(report_service(text, now, off));
    CHECK_FALSE(report_health(text, now, off));
    CHECK_FALSE(report_summary(text, "{}", off));
    CHECK_FALSE(report_summary("{}", text, off));
  }
  for (const char* text :
       {"{}", R"({"services":7,"checks":{"a":1},"exits":"x","reasons":[7],"pid":{},"since":[]})",
        R"({"services":[7,null,[],{}],"checks":[7],"exits":[null],"changed":{}})"}) {
    CHECK(report_services(text, now));
    CHECK(report_service(text, now, off));
    CHECK(report_health(text, now, off));
    CHECK(parse_changed(text));
  }
}
