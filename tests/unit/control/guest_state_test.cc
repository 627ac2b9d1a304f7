// info, health and power: what concerns the guest as a whole.
#include "api_bench.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;

TEST_CASE("info tells what runs, for how long, and how it booted", "[control]") {
  Bench bench;
  bench.guest.info_view = {.version = "1.2.3",
                           .protocol = 1,
                           .boot_id = "abc",
                           .uptime = milliseconds(1234),
                           .config_digest = "0f",
                           .boot = {{.name = "kernel", .at_us = 10}, {.name = "ready", .at_us = 2000}}};
  const wire::Response response = bench.get("/v1/info");
  CHECK(wire::find_header(response.headers, "Content-Type") == "application/json");
  CHECK(json_of(response) == nlohmann::json::parse(R"({
    "version": "1.2.3", "protocol": 1, "boot_id": "abc", "uptime_ms": 1234, "state": "up", "config_digest": "0f",
    "boot": [{"name": "kernel", "at_us": 10}, {"name": "ready", "at_us": 2000}]})"));
}

TEST_CASE("only a healthy guest answers 200 to a health request", "[control]") {
  Bench bench;
  bench.guest.health_view.status = core::Health::healthy;
  CHECK(bench.get("/v1/health").status == 200);
  bench.guest.health_view.status = core::Health::starting;
  CHECK(bench.get("/v1/health").status == 503);
  bench.guest.health_view = {.status = core::Health::unhealthy, .reasons = {"api is failed"}, .checks = {}};
  const wire::Response response = bench.get("/v1/health");
  CHECK(response.status == 503);
  CHECK(json_of(response) ==
        nlohmann::json::parse(R"({"status": "unhealthy", "reasons": ["api is failed"], "checks": []})"));
}

TEST_CASE("bytes that are no text cannot break the JSON", "[control]") {
  Bench bench;
  bench.guest.health_view.reasons = {"\xff\xfe broken \"quoted\"\n"};
  CHECK(json_of(bench.get("/v1/health"))["reasons"][0] == "\xef\xbf\xbd\xef\xbf\xbd broken \"quoted\"\n");
}

TEST_CASE("power accepts what it knows and does it", "[control]") {
  Bench bench;
  CHECK(bench.post("/v1/power", R"({"action":"reboot"})").status == 202);
  CHECK(std::get<core::ShutDown>(bench.guest.commands.at(0)).action == core::PowerAction::reboot);
  CHECK(bench.post("/v1/power", R"({"action":"shutdown"})").status == 202);
  CHECK(std::get<core::ShutDown>(bench.guest.commands.at(1)).action == core::PowerAction::shutdown);
  CHECK(bench.post("/v1/power", R"({"action":"explode"})").status == 400);
  CHECK(bench.post("/v1/power", "x").status == 400);
  CHECK(bench.guest.commands.size() == 2);
}
