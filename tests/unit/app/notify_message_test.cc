#include "kestrel/app/notify_message.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"

namespace kestrel::app {
namespace {

TEST_CASE("a message's assignments are read, one a line", "[app]") {
  const auto message = parse_notify_message(
      "READY=1\nSTATUS=Serving 3 = many\nMAINPID=42\nWATCHDOG=1\nWATCHDOG_USEC=2000000\n"
      "EXTEND_TIMEOUT_USEC=1500000\nRELOADING=1\nSTOPPING=1");
  CHECK(message.is_ready);
  CHECK(message.is_alive);
  CHECK(message.is_reloading);
  CHECK(message.is_stopping);
  CHECK_FALSE(message.gives_up);
  CHECK(message.status == "Serving 3 = many");
  CHECK(message.main_pid == 42);
  CHECK(message.watchdog == Duration(seconds(2)));
  CHECK(message.extends_by == Duration(milliseconds(1500)));
}

TEST_CASE("a message says nothing that is not in it", "[app]") {
  for (const char* text :
       {"", "\n\n", "READY", "=1", "ready=1", "READY=0", "READY=1 ", " READY=1", "X_READY=1"}) {
    CAPTURE(text);
    const auto message = parse_notify_message(text);
    CHECK_FALSE(message.is_ready);
    CHECK_FALSE(message.is_alive);
    CHECK_FALSE(message.status);
    CHECK_FALSE(message.main_pid);
  }
}

TEST_CASE("WATCHDOG=trigger gives up, which is no sign of life", "[app]") {
  const auto message = parse_notify_message("WATCHDOG=trigger");
  CHECK(message.gives_up);
  CHECK_FALSE(message.is_alive);
}

TEST_CASE("pids and times that make no sense are left out", "[app]") {
  for (const char* value : {"", "0", "-1", "1x", "0x10", "2147483648", "99999999999999999999"}) {
    CAPTURE(value);
    CHECK_FALSE(parse_notify_message(concat("MAINPID=", value)).main_pid);
  }
  for (const char* value : {"", "-1", "1.5", "infinity", "99999999999999999999"}) {
    CAPTURE(value);
    CHECK_FALSE(parse_notify_message(concat("WATCHDOG_USEC=", value)).watchdog);
    CHECK_FALSE(parse_notify_message(concat("EXTEND_TIMEOUT_USEC=", value)).extends_by);
  }
}

TEST_CASE("a time beyond a year is a year, so that no deadline overflows", "[app]") {
  CHECK(parse_notify_message("WATCHDOG_USEC=9223372036854775807").watchdog == Duration(hours(24 * 365)));
  CHECK(parse_notify_message("WATCHDOG_USEC=0").watchdog == Duration::zero());
}

TEST_CASE("of a status only its first KiB is kept, and an empty one is one", "[app]") {
  CHECK(parse_notify_message(concat("STATUS=", std::string(60'000, 'x'))).status == std::string(1024, 'x'));
  CHECK(parse_notify_message("STATUS=").status == "");
}

TEST_CASE("a wrong value does not undo a right one", "[app]") {
  CHECK(parse_notify_message("MAINPID=7\nMAINPID=x").main_pid == 7);
  CHECK(parse_notify_message("STATUS=a\nSTATUS=b").status == "b");
}

TEST_CASE("bytes of any kind are survived", "[app]") {
  using namespace std::string_literals;
  auto text = "READY=1\0\nSTATUS=\xff\xfe\0=\n"s;
  text += std::string(60'000, '\n') + std::string(1'000, '=') + '\n';
  const auto message = parse_notify_message(text);
  CHECK_FALSE(message.is_ready);
  CHECK(message.status == std::string("\xff\xfe\0=", 4));
}

}  // namespace
}  // namespace kestrel::app
