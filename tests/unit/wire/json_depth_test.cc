#include "kestrel/wire/json_depth.h"

#include <catch2/catch.hpp>
#include <string>

#include "kestrel/base/text.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/exec_messages.h"
#include "kestrel/wire/reload_report.h"

namespace kestrel::wire {
namespace {

std::string nested(std::size_t depth, char open, char close) {
  return std::string(depth, open) + std::string(depth, close);
}

TEST_CASE("32 arrays or objects in each other are as deep as it goes", "[wire]") {
  CHECK(is_shallow_json(nested(32, '[', ']')));
  CHECK_FALSE(is_shallow_json(nested(33, '[', ']')));
  CHECK_FALSE(is_shallow_json(nested(33, '{', '}')));
  CHECK(is_shallow_json("[" + std::string(100, ' ') + join(std::vector<std::string>(100, "[]"), ",") + "]"));
}

TEST_CASE("brackets in strings are no depth", "[wire]") {
  CHECK(is_shallow_json("\"" + std::string(100, '[') + "\""));
  CHECK(is_shallow_json(R"(["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["])"));
  CHECK_FALSE(is_shallow_json(R"(["\\",)" + nested(33, '[', ']') + "]"));
}

TEST_CASE("a program for an exec that is nested without end is refused", "[wire]") {
  const auto request = parse_exec_request(R"({"command":)" + nested(100'000, '[', ']') + "}");
  REQUIRE_FALSE(request);
  CHECK(request.error().message == "the body is nested too deeply");
}

TEST_CASE("an answer that is nested without end is read as none", "[wire]") {
  const auto deep = nested(100'000, '[', ']');
  CHECK_FALSE(parse_log_record(R"({"line":)" + deep + "}"));
  CHECK(report_event(R"({"type":)" + deep + "}").empty());
  CHECK(read_config_problems(R"({"problems":)" + deep + "}").empty());
  CHECK(read_refusal({.status = 409, .body = R"({"detail":)" + deep + "}"}).detail ==
        "the answer was 409 Conflict");
}

}  // namespace
}  // namespace kestrel::wire
