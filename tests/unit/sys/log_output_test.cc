#include "kestrel/sys/log_output.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"

namespace kestrel::sys {
namespace {

std::string line(LogFormat format, LogLevel level, std::string_view message) {
  return format_log_line(format, parse_time("2026-01-31T12:00:00.000Z").value(), level, message);
}

TEST_CASE("a text line is time, level and message, the messages in one column", "[sys]") {
  CHECK(line(LogFormat::text, LogLevel::info, "up") == "2026-01-31T12:00:00.000Z info  up");
  CHECK(line(LogFormat::text, LogLevel::warning, "up") == "2026-01-31T12:00:00.000Z warn  up");
  CHECK(line(LogFormat::text, LogLevel::error, "up") == "2026-01-31T12:00:00.000Z error up");
  CHECK(line(LogFormat::text, LogLevel::debug, "up") == "2026-01-31T12:00:00.000Z debug up");
}

TEST_CASE("a JSON line stays one object whatever the message holds", "[sys]") {
  CHECK(line(LogFormat::json, LogLevel::warning, "say \"a\\b\"\tc\x1b[31m\n\xff") ==
        R"({"time":"2026-01-31T12:00:00.000Z","level":"warning","message":"say \"a\\b\"\tc)"
        "\xef\xbf\xbd\"}");
}

TEST_CASE("a message cannot write to the terminal's controls", "[sys]") {
  CHECK(line(LogFormat::text, LogLevel::info, "a\x1b]0;title\x07\rb") == "2026-01-31T12:00:00.000Z info  ab");
}

}  // namespace
}  // namespace kestrel::sys
