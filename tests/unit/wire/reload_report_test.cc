#include "kestrel/wire/reload_report.h"

#include <catch2/catch.hpp>

namespace kestrel::wire {
namespace {

std::string report(std::string_view plan) {
  return report_reload(R"({"digest": "x", "plan": )" + std::string(plan) + "}", Table::Colours::off).value();
}

TEST_CASE("a plan names what it does to whom, and why", "[wire]") {
  CHECK(report(R"({"unchanged": ["same"], "updated": ["db"], "restarted": ["api"], "added": ["new"],
                   "removed": ["old"], "changed_keys": {"db": ["log"], "api": ["command", "args", "env"]},
                   "guest": ["health"], "needs_boot": ["hostname", "mounts"]})") ==
        "remove      old         it is no longer configured\n"
        "restart     api         its command, args and env changed\n"
        "update      db          its log changed\n"
        "add         new         it is new\n"
        "update      the guest   its health changed\n"
        "next boot   the guest   its hostname and mounts changed\n");
}

TEST_CASE("a plan without a change says so", "[wire]") {
  CHECK(report(R"({"unchanged": ["a", "b"]})") == "nothing changes\n");
}

TEST_CASE("what is no plan is an error, and what is no list of problems holds none", "[wire]") {
  for (const char* text : {"", "[]", "{}", R"({"plan": []})", "{\"plan\": 1"}) {
    CHECK_FALSE(report_reload(text, Table::Colours::off));
    CHECK(read_config_problems(text).empty());
  }
  CHECK(report(R"({"restarted": "api", "changed_keys": []})") == "nothing changes\n");
  CHECK(report(R"({"restarted": ["api"], "changed_keys": [1]})") == "restart   api   it changed\n");
  CHECK(read_config_problems(R"({"problems": {"a": 1}})").empty());
  CHECK(read_config_problems(R"({"problems": 7})").empty());
}

TEST_CASE("the problems of a configuration keep their places", "[wire]") {
  const auto problems = read_config_problems(
      R"({"problems": [{"line": 2, "column": 5, "message": "odd"}, {"message": "all of it"}, 3]})");
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].line == 2);
  CHECK(problems[0].column == 5);
  CHECK(problems[1].message == "all of it");
  CHECK(problems[1].line == 0);
}

}  // namespace
}  // namespace kestrel::wire
