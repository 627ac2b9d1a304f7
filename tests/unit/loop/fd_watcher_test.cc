#include "kestrel/loop/fd_watcher.h"

#include <catch2/catch.hpp>
#include <optional>

#include "tests/unit/loop/fixtures.h"

using namespace kestrel;
using namespace kestrel::loop;
using namespace kestrel::loop::test;

TEST_CASE("a watcher tells of readable again and again until it is read", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  int calls = 0;
  FdWatcher watcher(loop, pair.near.get(), [&](Interest came) {
    CHECK(came == Interest{.readable = true});
    if (++calls == 3) CHECK(read_available(pair.near) == "x");
  });
  watcher.watch({.readable = true});
  REQUIRE(write_text(pair.far, "x"));
  settle(loop);
  settle(loop);
  CHECK(calls == 3);
}

TEST_CASE("a watcher tells only of what is waited for", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  std::optional<Interest> seen;
  FdWatcher watcher(loop, pair.near.get(), [&](Interest came) { seen = came; });
  REQUIRE(write_text(pair.far, "x"));
  watcher.watch({.writable = true});
  settle(loop);
  CHECK(seen == Interest{.writable = true});
  watcher.watch({.readable = true, .writable = true});
  settle(loop);
  CHECK(seen == Interest{.readable = true, .writable = true});
}

TEST_CASE("a paused watcher is silent, even about a hang-up, and does not hold the loop", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  FdWatcher watcher(loop, pair.near.get(), [](Interest) { FAIL("called"); });
  watcher.watch({.readable = true});
  watcher.watch({});
  pair.far.reset();
  loop.run();
}

TEST_CASE("a hang-up shows as every direction that is waited for", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  std::optional<Interest> seen;
  FdWatcher watcher(loop, pair.near.get(), [&](Interest came) { seen = came; });
  watcher.watch({.readable = true, .writable = true});
  pair.far.reset();
  settle(loop);
  CHECK(seen == Interest{.readable = true, .writable = true});
}

TEST_CASE("an error on the descriptor is told in every round, with every direction waited for", "[loop]") {
  Loop loop;
  auto pair = pipe_pair();
  pair.near.reset();  // the writing end without readers is in the state of an error
  int calls = 0;
  FdWatcher watcher(loop, pair.far.get(), [&](Interest came) {
    CHECK(came == Interest{.writable = true});
    if (++calls == 3) watcher = {};
  });
  watcher.watch({.writable = true});
  loop.run();
  CHECK(calls == 3);
}

TEST_CASE("urgent data shows as priority", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  if (::send(pair.far.get(), "!", 1, MSG_OOB) != 1) return;  // a kernel without urgent data on Unix sockets
  std::optional<Interest> seen;
  FdWatcher watcher(loop, pair.near.get(), [&](Interest came) { seen = came; });
  watcher.watch({.priority = true});
  settle(loop);
  CHECK(seen == Interest{.priority = true});
}

TEST_CASE("a destroyed watcher is silent although its descriptor was ready", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  REQUIRE(write_text(pair.far, "x"));
  {
    FdWatcher watcher(loop, pair.near.get(), [](Interest) { FAIL("called"); });
    watcher.watch({.readable = true});
  }
  settle(loop);
}

TEST_CASE("a watcher destroyed by another's callback in the same round is silent", "[loop]") {
  Loop loop;
  auto first = socket_pair(), second = socket_pair();
  std::optional<FdWatcher> a, b;
  int calls = 0;
  a.emplace(loop, first.near.get(), [&](Interest) { ++calls, b.reset(), a.reset(); });
  b.emplace(loop, second.near.get(), [&](Interest) { ++calls, a.reset(), b.reset(); });
  a->watch({.readable = true});
  b->watch({.readable = true});
  REQUIRE(write_text(first.far, "x"));
  REQUIRE(write_text(second.far, "x"));
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("a watcher may be replaced by one of the same descriptor in its callback", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  std::string order;
  FdWatcher watcher;
  watcher = FdWatcher(loop, pair.near.get(), [&, held = std::string("first")](Interest) {
    watcher = {};
    watcher = FdWatcher(loop, pair.near.get(), [&](Interest) {
      order += " second";
      watcher = {};
    });
    watcher.watch({.readable = true});
    order += held;
  });
  watcher.watch({.readable = true});
  REQUIRE(write_text(pair.far, "x"));
  loop.run();
  CHECK(order == "first second");
}

TEST_CASE("a moved watcher goes on", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  int calls = 0;
  FdWatcher first(loop, pair.near.get(), [&](Interest) { calls += read_available(pair.near).size() > 0; });
  first.watch({.readable = true});
  FdWatcher second(std::move(first));
  REQUIRE(write_text(pair.far, "x"));
  settle(loop);
  CHECK(calls == 1);
}

TEST_CASE("a descriptor number used again is watched anew", "[loop]") {
  Loop loop;
  auto old_pair = socket_pair();
  const int number = old_pair.near.get();
  FdWatcher old_watcher(loop, number, [](Interest) { FAIL("called"); });
  old_watcher.watch({.readable = true});
  old_watcher = {};
  old_pair.near.reset();
  auto pair = socket_pair();
  REQUIRE(pair.near.get() == number);
  int calls = 0;
  FdWatcher watcher(loop, number, [&](Interest) { calls += read_available(pair.near).size() > 0; });
  watcher.watch({.readable = true});
  REQUIRE(write_text(pair.far, "x"));
  settle(loop);
  CHECK(calls == 1);
}

TEST_CASE("a regular file is never ready, and no accident", "[loop]") {
  Loop loop;
  sys::UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  FdWatcher watcher(loop, file.get(), [](Interest) { FAIL("called"); });
  watcher.watch({.readable = true});
  loop.run();
}
