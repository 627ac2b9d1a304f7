#include "kestrel/loop/loop.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <optional>

#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/signal_watcher.h"
#include "tests/unit/loop/fixtures.h"

using namespace kestrel;
using namespace kestrel::loop;
using namespace kestrel::loop::test;

TEST_CASE("a loop without anything to wait for returns at once", "[loop]") {
  Loop loop;
  loop.run();
  SUCCEED();
}

TEST_CASE("a posted task runs from the loop and not inside the caller", "[loop]") {
  Loop loop;
  int runs = 0;
  loop.post([&] { ++runs; });
  CHECK(runs == 0);
  loop.run();
  CHECK(runs == 1);
}

TEST_CASE("posted tasks run in their order, and what they post runs in a later round", "[loop]") {
  Loop loop;
  std::string order;
  loop.post([&] {
    order += 'a';
    loop.post([&] { order += 'c'; });
  });
  loop.post([&] { order += 'b'; });
  loop.run();
  CHECK(order == "abc");
}

TEST_CASE("a task that always posts itself does not keep descriptors from being served", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  bool is_served = false;
  FdWatcher watcher(loop, pair.near.get(), [&](Interest) {
    is_served = true;
    loop.stop();
  });
  watcher.watch({.readable = true});
  std::function<void()> again = [&] {
    if (!is_served) loop.post(again);
  };
  loop.post(again);
  REQUIRE(write_text(pair.far, "x"));
  loop.run();
  CHECK(is_served);
}

TEST_CASE("stop ends run although something is still waited for", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  FdWatcher watcher(loop, pair.near.get(), [](Interest) {});
  watcher.watch({.readable = true});
  loop.post([&] { loop.stop(); });
  loop.run();
  SUCCEED();
}

TEST_CASE("a task posted but never run goes with the loop, and what it holds with it", "[loop]") {
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> watch = held;
  {
    Loop loop;
    loop.post([held = std::move(held)] {});
  }
  CHECK(watch.expired());
}

TEST_CASE("a task may hold the owner of a handle of the same loop", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  auto watcher = std::make_shared<FdWatcher>(loop, pair.near.get(), [](Interest) {});
  watcher->watch({.readable = true});
  loop.post([watcher = std::move(watcher)] {});
}

TEST_CASE("a signal calls back from the loop", "[loop]") {
  Loop loop;
  int calls = 0;
  SignalWatcher watcher(loop, SIGUSR1, [&] { ++calls; });
  ::raise(SIGUSR1);
  CHECK(calls == 0);
  CHECK(run_until(loop, [&] { return calls == 1; }));
}

TEST_CASE("a signal watcher may destroy itself in its callback", "[loop]") {
  Loop loop;
  std::optional<SignalWatcher> watcher;
  int calls = 0;
  watcher.emplace(loop, SIGUSR1, [&, held = std::make_shared<int>(7)] {
    watcher.reset();
    calls += *held;
  });
  ::raise(SIGUSR1);
  loop.run();
  CHECK(calls == 7);
}

TEST_CASE("two watchers of one signal are both told, a destroyed one is not", "[loop]") {
  Loop loop;
  int first = 0, second = 0, third = 0;
  SignalWatcher a(loop, SIGUSR2, [&] { ++first; });
  SignalWatcher b(loop, SIGUSR2, [&] { ++second; });
  {
    SignalWatcher c(loop, SIGUSR2, [&] { ++third; });
  }
  ::raise(SIGUSR2);
  CHECK(run_until(loop, [&] { return first == 1 && second == 1; }));
  CHECK(third == 0);
}

TEST_CASE("a moved signal watcher goes on, an assigned one replaces what was there", "[loop]") {
  Loop loop;
  std::string calls;
  SignalWatcher first(loop, SIGUSR1, [&] { calls += '1'; });
  SignalWatcher moved(std::move(first));
  moved = SignalWatcher(loop, SIGUSR1, [&] { calls += '2'; });
  ::raise(SIGUSR1);
  CHECK(run_until(loop, [&] { return calls == "2"; }));
}

TEST_CASE("writing to a peer that is gone does not kill the process", "[loop]") {
  Loop loop;
  auto pair = pipe_pair();
  pair.near.reset();
  CHECK_FALSE(write_text(pair.far, "x"));
  CHECK(errno == EPIPE);
}
