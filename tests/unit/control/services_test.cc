#include "api_bench.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;

TEST_CASE("a service is shown with everything that is known of it", "[control]") {
  Bench bench;
  core::ServiceView& api = bench.guest.add("api");
  api.state = core::StateName::backing_off;
  api.reason = "exited with 3";
  api.desired = core::Desired::running;
  api.restarts = 2;
  api.next_start = milliseconds(250);
  api.health = core::Health::unhealthy;
  api.checks = {
      {.name = "web",
       .type = "http",
       .status = core::Health::unhealthy,
       .failures = 3,
       .last = core::CheckResult{.time = at.wall, .is_ok = false, .message = "connection refused"}}};
  api.exits = {{.time = at.wall, .exit = {.code = 3}, .cause = core::ExitCause::exit, .uptime = seconds(2)}};
  api.status = "draining";
  const control::LogSource source = *bench.guest.ring.find("api");
  bench.guest.print("one", source.value);
  bench.guest.print("two", source.value);
  const wire::Response response = bench.get("/v1/services/api");
  CHECK(response.status == 200);
  CHECK(json_of(response) == nlohmann::json::parse(R"({
    "name": "api", "kind": "service", "state": "backing_off", "reason": "exited with 3", "desired": "running",
    "pid": null, "since": "2023-11-14T22:13:20.000Z", "restarts": 2, "next_start_ms": 250, "ready": false,
    "status": "draining", "health": "unhealthy",
    "checks": [{"name": "web", "type": "http", "status": "unhealthy", "failures": 3,
                "last": {"time": "2023-11-14T22:13:20.000Z", "ok": false, "message": "connection refused"}}],
    "exits": [{"time": "2023-11-14T22:13:20.000Z", "code": 3, "signal": 0, "cause": "exit", "uptime_ms": 2000}],
    "memory_bytes": 4096, "cpu_ms": 12, "log_lines": 2, "log_dropped": 0})"));
}

TEST_CASE("what is not known is null", "[control]") {
  Bench bench;
  bench.guest.add("api").pid = 17;
  bench.guest.used = {};
  const auto json = json_of(bench.get("/v1/services/api"));
  CHECK(json["pid"] == 17);
  CHECK(json["memory_bytes"].is_null());
  CHECK(json["cpu_ms"].is_null());
  CHECK(json["next_start_ms"].is_null());
  CHECK(json["status"].is_null());
}

TEST_CASE("all services are listed in their order", "[control]") {
  Bench bench;
  CHECK(bench.get("/v1/services").body == "{\"services\":[]}\n");
  bench.guest.add("b");
  bench.guest.add("a");
  const auto json = json_of(bench.get("/v1/services"));
  REQUIRE(json["services"].size() == 2);
  CHECK(json["services"][0]["name"] == "b");
  CHECK(json["services"][1]["name"] == "a");
}

TEST_CASE("an unknown service is 404 with the name that was meant", "[control]") {
  Bench bench;
  bench.guest.add("postgres");
  const wire::Response response = bench.get("/v1/services/postgre");
  CHECK(response.status == 404);
  CHECK(problem_of(response) == "there is no service 'postgre'; did you mean 'postgres'?");
  CHECK(problem_of(bench.post("/v1/services/x/start")) == "there is no service 'x'");
  CHECK(bench.guest.commands.empty());
}

TEST_CASE("an operation tells what it changed", "[control]") {
  Bench bench;
  bench.guest.add("db");
  bench.guest.add("api");
  bench.guest.reply.changed = {core::ServiceId{0}, core::ServiceId{1}};
  const wire::Response response = bench.post("/v1/services/api/start");
  CHECK(response.status == 200);
  CHECK(response.body == "{\"changed\":[\"db\",\"api\"]}\n");
  REQUIRE(bench.guest.commands.size() == 1);
  CHECK(std::get<core::StartService>(bench.guest.commands[0]).service == core::ServiceId{1});
  bench.post("/v1/services/db/restart");
  CHECK(std::get<core::RestartService>(bench.guest.commands[1]).service == core::ServiceId{0});
}

TEST_CASE("a stop is forced only where that is asked for", "[control]") {
  Bench bench;
  bench.guest.add("db");
  const auto is_forced = [&](std::string_view query) {
    CHECK(bench.post(concat("/v1/services/db/stop", query)).status == 200);
    return std::get<core::StopService>(bench.guest.commands.back()).is_forced;
  };
  CHECK_FALSE(is_forced(""));
  CHECK_FALSE(is_forced("?force=0"));
  CHECK(is_forced("?force=1"));
  CHECK(is_forced("?force=true"));
  CHECK(is_forced("?force"));
  CHECK(bench.post("/v1/services/db/stop?force=perhaps").status == 400);
}

TEST_CASE("a conflict names who stands in the way", "[control]") {
  Bench bench;
  bench.guest.add("db");
  bench.guest.add("api");
  bench.guest.reply = {.verdict = core::Reply::Verdict::conflict,
                       .message = "db is needed by api",
                       .changed = {},
                       .dependents = {core::ServiceId{1}}};
  const wire::Response response = bench.post("/v1/services/db/stop");
  CHECK(response.status == 409);
  CHECK(problem_of(response) == "db is needed by api");
  CHECK(json_of(response)["dependents"] == nlohmann::json{"api"});
}

TEST_CASE("a guest that goes down answers operations with 503", "[control]") {
  Bench bench;
  bench.guest.add("db");
  bench.guest.reply = {
      .verdict = core::Reply::Verdict::gone, .message = "going down", .changed = {}, .dependents = {}};
  CHECK(bench.post("/v1/services/db/start").status == 503);
}

TEST_CASE("a signal is named in the body", "[control]") {
  Bench bench;
  bench.guest.add("db");
  for (const char* body : {R"({"signal":"HUP"})", R"({"signal":"SIGHUP"})", R"({"signal":1})"}) {
    CHECK(bench.post("/v1/services/db/signal", body).status == 200);
    CHECK(std::get<core::SignalService>(bench.guest.commands.back()).signal == 1);
  }
  const auto count = bench.guest.commands.size();
  for (const char* body : {"", "{", "[]", "null", "{}", R"({"signal":"NOPE"})", R"({"signal":-1})",
                           R"({"signal":[9]})", R"({"signal":1e99})"}) {
    CHECK(bench.post("/v1/services/db/signal", body).status == 400);
  }
  CHECK(bench.guest.commands.size() == count);
}

TEST_CASE("names arrive percent-decoded", "[control]") {
  Bench bench;
  bench.guest.add("my api");
  CHECK(bench.get("/v1/services/my%20api").status == 200);
  CHECK(bench.get("/v1/services/my%2").status == 400);
}

TEST_CASE("the timeline has the boot's steps and the times of each service", "[control]") {
  Bench bench;
  bench.guest.info_view.boot = {{"pid 1", 412}};
  bench.guest.times = {{.name = "api", .kind = "service", .starting_us = 500, .started_us = 600}};
  CHECK(json_of(bench.get("/v1/timeline")) == nlohmann::json::parse(R"({
    "boot": [{"name": "pid 1", "at_us": 412}],
    "services": [{"name": "api", "kind": "service", "starting_us": 500, "started_us": 600, "ready_us": null,
                  "healthy_us": null, "completed_us": null}]})"));
}
