#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "hostd/cli/top_view.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

constexpr MonotonicTime first_look{seconds(10)}, second_look{seconds(12)};

ServiceLoad load(std::string name, std::uint64_t cpu_ms) {
  return {.name = std::move(name),
          .state = "running",
          .health = "healthy",
          .restarts = 1,
          .memory_bytes = 4096,
          .cpu_ms = cpu_ms};
}
VmLoad vm(MonotonicTime at, std::vector<ServiceLoad> services) {
  return {.name = "web", .at = at, .problem = {}, .services = std::move(services)};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    lines.push_back(text.substr(at, end - at));
  return lines;
}

}  // namespace

TEST_CASE("loads are read from the guest's services", "[hostd]") {
  const auto loads = parse_loads(
      R"({"services":[{"name":"api","state":"running","health":"none","restarts":2,"memory_bytes":null,"cpu_ms":7}]})");
  REQUIRE(loads);
  REQUIRE(loads->size() == 1);
  CHECK(loads->front().name == "api");
  CHECK(loads->front().restarts == 2);
  CHECK_FALSE(loads->front().memory_bytes);
  CHECK(loads->front().cpu_ms == 7);
  CHECK_FALSE(parse_loads("[]"));
  CHECK_FALSE(parse_loads(R"({"services":1})"));
  CHECK_FALSE(parse_loads(std::string(100'000, '[')));
}

TEST_CASE("the share of a processor is that of the time between two looks", "[hostd]") {
  const LoadPicture before{vm(first_look, {load("api", 100)})};
  const VmLoad now = vm(second_look, {load("api", 1100)});
  CHECK(cpu_percent(before, now, now.services[0]) == 50.0);
}

TEST_CASE("a service that was restarted between two looks counts from nothing", "[hostd]") {
  const LoadPicture before{vm(first_look, {load("api", 100'000)})};
  const VmLoad now = vm(second_look, {load("api", 200)});
  CHECK(cpu_percent(before, now, now.services[0]) == 10.0);
}

TEST_CASE("without an earlier look there is no share", "[hostd]") {
  const VmLoad now = vm(second_look, {load("api", 200)});
  CHECK_FALSE(cpu_percent({}, now, now.services[0]));
  CHECK_FALSE(cpu_percent({vm(first_look, {load("db", 1)})}, now, now.services[0]));
}

TEST_CASE("the busiest service comes first, and a VM that does not answer says why", "[hostd]") {
  const LoadPicture before{vm(first_look, {load("idle", 0), load("busy", 0)})};
  const LoadPicture now{vm(second_look, {load("idle", 20), load("busy", 1000)}),
                        {.name = "db", .at = second_look, .problem = "it hangs", .services = {}}};
  const auto lines = lines_of(top_table(before, now, Table::Colours::off));
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].starts_with("VM"));
  CHECK(lines[1].find("busy") != std::string::npos);
  CHECK(lines[1].find("50.0%") != std::string::npos);
  CHECK(lines[1].find("4 KiB") != std::string::npos);
  CHECK(lines[2].find("1.0%") != std::string::npos);
  CHECK(lines[3].find("it hangs") != std::string::npos);
}

TEST_CASE("a small screen shows the first rows and how many more there are", "[hostd]") {
  const LoadPicture now{vm(second_look, {load("a", 1), load("b", 1), load("c", 1), load("d", 1)})};
  const auto lines = lines_of(top_table({}, now, Table::Colours::off, 4));
  REQUIRE(lines.size() == 4);
  CHECK(lines[3] == "and 2 more");
  CHECK(lines_of(top_table({}, now, Table::Colours::off, 5)).back().find("d ") != std::string::npos);
}

TEST_CASE("what the screen shows is there as JSON", "[hostd]") {
  const LoadPicture before{vm(first_look, {load("api", 100)})};
  const LoadPicture now{vm(second_look, {load("api", 1100)})};
  CHECK(nlohmann::json::parse(top_json(before, now)) ==
        nlohmann::json::parse(R"({"vms": [{"name": "web", "problem": null,
    "services": [{"name": "api", "state": "running", "health": "healthy", "restarts": 1, "memory_bytes": 4096,
                  "cpu_ms": 1100, "cpu_percent": 50.0}]}]})"));
}
