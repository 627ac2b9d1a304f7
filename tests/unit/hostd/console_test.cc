#include "hostd/vmm/console.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("a panic is found in any pieces, without its time stamp", "[hostd]") {
  Console console;
  CHECK_FALSE(console.feed("[    1.2] Kernel pa"));
  CHECK(console.has_spoken());
  CHECK_FALSE(console.feed("nic - not syncing: no init"));
  CHECK(console.feed("\r\n[    1.3] CPU: 0\r\n") == "Kernel panic - not syncing: no init");
}

TEST_CASE("a panic is told once, and also where the console ends without a newline", "[hostd]") {
  Console console;
  CHECK(console.feed("Kernel panic - not syncing: a\n"));
  CHECK_FALSE(console.feed("---[ end Kernel panic - not syncing: a ]---\n"));
  Console cut;
  CHECK_FALSE(cut.feed("Kernel panic - not syncing: b"));
  CHECK(cut.finish() == "Kernel panic - not syncing: b");
}

TEST_CASE("the console remembers a bounded end, whatever it is fed", "[hostd]") {
  Console console;
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(console.feed(concat("line ", i, "\r\n")));
  CHECK(console.last_lines().back() == "line 999");
  CHECK(console.last_lines().size() == 40);
  CHECK_FALSE(console.feed(std::string(1 << 20, 'x')));
  CHECK(console.last_lines().back().size() == 1024);
}

TEST_CASE("a quoted panic cannot steer the terminal", "[hostd]") {
  Console console;
  const auto panic = console.feed("Kernel panic - not syncing: \x1b[2Jx\n");
  REQUIRE(panic);
  CHECK(panic->find('\x1b') == std::string::npos);
}
