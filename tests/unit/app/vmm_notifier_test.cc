// What a VMM is told, over the connections that it accepts.
#include "kestrel/app/vmm_notifier.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::app;

namespace {

constexpr Now at{MonotonicTime(seconds(1)), WallTime(milliseconds(1'700'000'000'000))};

/// A VMM that listens: each dial is a connection, of which it holds its end.
struct Bench {
  loop::Loop loop;
  control::EventJournal events;
  std::vector<sys::UniqueFd> connections;
  bool is_refusing = false;
  VmmNotifier notifier{loop, [this] { return dial(); }, events};
  bool has_hung = false;
  loop::Timer guard{loop, [this] { has_hung = true; }};

  Bench() { guard.arm(seconds(60)); }  // ends a test that hangs; no fact depends on it

  Result<sys::UniqueFd> dial() {
    if (is_refusing) return Error{"refused", ECONNREFUSED};
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    connections.emplace_back(ends[0]);
    return sys::UniqueFd(ends[1]);
  }
  void happen(std::string type, std::string data = "{}") {
    events.append(at, std::move(type), {}, std::move(data));
  }

  template <typename Predicate>
  void run_until(Predicate is_done) {
    while (!is_done() && !has_hung) loop.run_once();
    REQUIRE_FALSE(has_hung);
  }
  /// What came on a connection up to its end; then the VMM closes its half.
  std::string read(std::size_t connection) {
    run_until([&] { return connections.size() > connection; });
    std::string text;
    run_until([&] {
      char buffer[4096];
      const auto count = ::read(connections[connection].get(), buffer, sizeof buffer);
      if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
      if (count != 0) loop.post([] {});  // ask again in the loop's next round
      return count == 0;
    });
    connections[connection].reset();
    return text;
  }
};

std::string told(std::string type, std::string data = "{}") {
  return notification_of({.seq = 1,
                          .time = {},
                          .mono_ms = 0,
                          .type = std::move(type),
                          .service = {},
                          .data = std::move(data)})
      .value_or("nothing");
}

}  // namespace

TEST_CASE("addresses of a VMM are read as systemd writes them", "[app]") {
  const auto target = [](std::string_view text) { return std::get<VsockTarget>(*parse_notify_target(text)); };
  CHECK(target("vsock:2:99") == VsockTarget{VsockKind::any, 2, 99});
  CHECK(target("vsock-stream:2:4294967294\n") == VsockTarget{VsockKind::stream, 2, 4294967294});
  CHECK(target("vsock-seqpacket:2:99") == VsockTarget{VsockKind::packets, 2, 99});
  CHECK(std::get<UnixTarget>(*parse_notify_target("/run/notify")) == UnixTarget{"/run/notify"});
}

TEST_CASE("an address that leads nowhere is refused by its name", "[app]") {
  for (const char* text : {"", "vsock", "vsock:2", "vsock:2:", "vsock:2:99:1", "vsock:-1:99",
                           "vsock:2:4294967295", "vsock-dgram:2:99", "tcp:2:99", "vsock:x:99", "notify"}) {
    INFO(text);
    const auto target = parse_notify_target(text);
    REQUIRE_FALSE(target);
    CHECK(target.error().message.starts_with("cannot use vmm.notify_socket="));
  }
}

TEST_CASE("events become what sd_notify would say", "[app]") {
  CHECK(told("vm.ready") == "READY=1\nSTATUS=All services are up");
  CHECK(told("vm.healthy") == "STATUS=Healthy");
  CHECK(told("vm.unhealthy", R"({"reason":"service api is failed"})") ==
        "STATUS=Unhealthy: service api is failed");
  CHECK(told("vm.unhealthy", "broken") == "STATUS=Unhealthy");
  CHECK(told("vm.stopping") == "STOPPING=1\nSTATUS=Shutting down");
  CHECK(told("service.ready") == "nothing");
  CHECK(exit_notification(3, core::PowerAction::shutdown) == "EXIT_STATUS=3\nX_SYSTEMD_SHUTDOWN=poweroff");
  CHECK(exit_notification(0, core::PowerAction::reboot) == "EXIT_STATUS=0\nX_SYSTEMD_SHUTDOWN=reboot");
}

TEST_CASE("a reason cannot bring lines of its own", "[app]") {
  CHECK(told("vm.unhealthy", R"({"reason":"x\nREADY=1"})").find('\n') == std::string::npos);
}

TEST_CASE("each message has a connection of its own, and they keep their order", "[app]") {
  Bench bench;
  bench.happen("vm.booted");
  bench.happen("service.ready");
  bench.happen("vm.ready");
  CHECK(bench.read(0) == "STATUS=Starting services");
  CHECK(bench.read(1) == "READY=1\nSTATUS=All services are up");
  bench.happen("vm.healthy");
  CHECK(bench.read(2) == "STATUS=Healthy");
  CHECK(bench.connections.size() == 3);
}

TEST_CASE("the last word is delivered before the end, behind all others", "[app]") {
  Bench bench;
  bench.happen("vm.stopping");
  bool is_done = false;
  bench.notifier.close(3, core::PowerAction::shutdown, [&] { is_done = true; });
  CHECK(bench.read(0) == "STOPPING=1\nSTATUS=Shutting down");
  CHECK_FALSE(is_done);
  CHECK(bench.read(1) == "EXIT_STATUS=3\nX_SYSTEMD_SHUTDOWN=poweroff");
  bench.run_until([&] { return is_done; });
}

TEST_CASE("a VMM that does not listen holds up nothing", "[app]") {
  Bench bench;
  bench.is_refusing = true;
  bench.happen("vm.ready");
  bool is_done = false;
  bench.notifier.close(0, core::PowerAction::shutdown, [&] { is_done = true; });
  bench.run_until([&] { return is_done; });
  CHECK(bench.connections.empty());
}

TEST_CASE("a VMM that accepts and never reads is waited for only so long", "[app]") {
  Bench bench;
  bench.happen("vm.ready");
  bool is_done = false;
  bench.notifier.close(
      0, core::PowerAction::shutdown, [&] { is_done = true; }, milliseconds(1));
  bench.run_until([&] { return is_done; });
  CHECK(bench.connections.size() <= 1);
}

TEST_CASE("of a health that goes up and down while nobody reads only so much is kept", "[app]") {
  Bench bench;
  bench.happen("vm.ready");
  bench.run_until([&] { return bench.connections.size() == 1; });
  for (int i = 0; i < 100; ++i) bench.happen(i % 2 == 0 ? "vm.unhealthy" : "vm.healthy");
  CHECK(bench.read(0) == "READY=1\nSTATUS=All services are up");
  bool is_done = false;
  bench.notifier.close(0, core::PowerAction::shutdown, [&] { is_done = true; });
  std::size_t connection = 1;
  std::string last;
  while (!last.starts_with("EXIT_STATUS=0")) last = bench.read(connection++);
  CHECK(connection <= 20);
}
