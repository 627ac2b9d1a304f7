#include "kestrel/loop/timer.h"

#include <catch2/catch.hpp>
#include <optional>

#include "kestrel/loop/fd_watcher.h"
#include "tests/unit/loop/fixtures.h"

using namespace kestrel;
using namespace kestrel::loop;
using namespace kestrel::loop::test;

TEST_CASE("a timer never fires before its deadline", "[loop]") {
  Loop loop;
  for (const auto after : {Duration(1), Duration(999'999), Duration(1'000'001), Duration(2'300'000)}) {
    std::optional<MonotonicTime> fired;
    Timer timer(loop, [&] { fired = loop.now(); });
    const auto deadline = loop.now() + after;
    timer.arm(deadline);
    loop.run();
    REQUIRE(fired);
    CHECK(*fired >= deadline);
  }
}

TEST_CASE("a timer armed for the past fires in the next round", "[loop]") {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.arm(loop.now() - seconds(5));
  CHECK(timer.is_armed());
  loop.run();
  CHECK(fired == 1);
  CHECK_FALSE(timer.is_armed());
}

TEST_CASE("timers fire in the order of their deadlines", "[loop]") {
  Loop loop;
  std::string order;
  Timer late(loop, [&] { order += 'c'; }), early(loop, [&] { order += 'a'; }),
      middle(loop, [&] { order += 'b'; });
  const auto now = loop.now();
  late.arm(now + milliseconds(6));
  early.arm(now + milliseconds(2));
  middle.arm(now + milliseconds(4));
  loop.run();
  CHECK(order == "abc");
}

TEST_CASE("arming an armed timer moves it", "[loop]") {
  Loop loop;
  std::string order;
  Timer moved(loop, [&] { order += 'm'; }), other(loop, [&] { order += 'o'; });
  const auto now = loop.now();
  moved.arm(now + hours(1));
  other.arm(now + milliseconds(3));
  moved.arm(now + milliseconds(1));
  loop.run();
  CHECK(order == "mo");
}

TEST_CASE("a disarmed timer does not fire and does not hold the loop", "[loop]") {
  Loop loop;
  Timer timer(loop, [] { FAIL("fired"); });
  timer.arm(milliseconds(1));
  timer.disarm();
  CHECK_FALSE(timer.is_armed());
  loop.run();
}

TEST_CASE("a destroyed timer does not fire", "[loop]") {
  Loop loop;
  {
    Timer(loop, [] { FAIL("fired"); }).arm(Duration::zero());
  }
  loop.run();
}

TEST_CASE("a timer may destroy itself in its callback, which keeps what it holds to its end", "[loop]") {
  Loop loop;
  std::optional<Timer> timer;
  int seen = 0;
  timer.emplace(loop, [&, held = std::make_shared<int>(7)] {
    timer.reset();
    seen = *held;
  });
  timer->arm(Duration::zero());
  loop.run();
  CHECK(seen == 7);
}

TEST_CASE("a timer may be replaced by another in its callback", "[loop]") {
  Loop loop;
  std::string order;
  Timer timer;
  timer = Timer(loop, [&, held = std::string("first")] {
    timer = Timer(loop, [&] { order += " second"; });
    timer.arm(Duration::zero());
    order += held;
  });
  timer.arm(Duration::zero());
  loop.run();
  CHECK(order == "first second");
}

TEST_CASE("a moved timer stays armed, also from inside its callback", "[loop]") {
  Loop loop;
  int fired = 0;
  Timer second;
  Timer first(loop, [&] {
    if (++fired == 1) {
      Timer third(std::move(second));
      second = std::move(third);
      second.arm(Duration::zero());
    }
  });
  first.arm(Duration::zero());
  second = std::move(first);
  CHECK(second.is_armed());
  CHECK_FALSE(first.is_armed());
  loop.run();
  CHECK(fired == 2);
}

TEST_CASE("a timer that is always due does not keep descriptors from being served", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  bool is_served = false;
  Timer timer;
  timer = Timer(loop, [&] {
    if (!is_served) timer.arm(MonotonicTime{});
  });
  timer.arm(MonotonicTime{});
  FdWatcher watcher(loop, pair.near.get(), [&](Interest) {
    is_served = true;
    watcher = {};
  });
  watcher.watch({.readable = true});
  REQUIRE(write_text(pair.far, "x"));
  loop.run();
  CHECK(is_served);
}

TEST_CASE("deadlines at both ends of time are no accident", "[loop]") {
  Loop loop;
  int fired = 0;
  Timer never(loop, [] { FAIL("fired"); }), also_never(loop, [] { FAIL("fired"); }),
      past(loop, [&] { ++fired; });
  never.arm(MonotonicTime::max());
  also_never.arm(Duration::max());
  past.arm(MonotonicTime::min());
  CHECK(run_until(loop, [&] { return fired == 1; }));
  CHECK(never.is_armed());
}

TEST_CASE("a timer that was never made is not armed and can be disarmed", "[loop]") {
  Timer timer;
  timer.disarm();
  CHECK_FALSE(timer.is_armed());
}
