#include "hostd/runner/guest_session.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A session with a guest that says hello and listens.
struct Bench : LoopBench {
  explicit Bench(GuestIdentity identity) : session(loop, std::move(identity), callbacks()) {
    auto dir = RuntimeDir::claim(folder.file("vm"));
    REQUIRE(dir);
    REQUIRE(session.open(*dir, {}, folder.file("vm/link")));
    auto socket = sys::connect_unix(folder.file("vm/link"));
    REQUIRE(socket);
    guest = std::move(*socket);
  }

  void hello(int protocol) {
    const std::string text = concat(
        "GET /v1/link HTTP/1.1\r\nHost: host\r\nConnection: Upgrade\r\nUpgrade: kestrel-link/1\r\n\r\n",
        wire::encode(
            wire::GuestMessage(wire::Hello{.protocol = protocol, .version = "0.0.9", .boot_id = "boot"})));
    REQUIRE(::send(guest.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }

  wire::Welcome welcome() {
    std::string received;
    run_until([&] {
      char buffer[4096];
      const ssize_t count = ::recv(guest.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (count > 0) received.append(buffer, static_cast<std::size_t>(count));
      return received.find("\"welcome\"}\n") != std::string::npos;
    });
    const auto begin = received.find('{');
    const auto message =
        wire::decode_host_message(received.substr(begin, received.find('\n', begin) - begin));
    return std::get<wire::Welcome>(message.value().value());
  }

  GuestSessionCallbacks callbacks() {
    GuestSessionCallbacks all;
    all.on_hello = [this] { told.emplace_back("hello"); };
    all.on_refused = [this](std::string_view reason) { told.emplace_back(reason); };
    all.on_lost = [] {};
    return all;
  }

  TemporaryFolder folder;
  std::vector<std::string> told;
  GuestSession session;
  sys::UniqueFd guest;
};

GuestIdentity with_volume() {
  GuestIdentity identity;
  identity.mounts = {{"data", "/data", "ext4"}};
  return identity;
}

}  // namespace

TEST_CASE("a guest is told what to mount where", "[hostd]") {
  Bench bench(with_volume());
  bench.hello(wire::protocol);
  CHECK(bench.welcome().mounts == with_volume().mounts);
}

TEST_CASE("a guest is told its address", "[hostd]") {
  Bench bench(GuestIdentity{});
  const wire::NetworkSettings network{"10.77.0.2/24", "10.77.0.1", {}};
  bench.session.give_network(network);
  bench.hello(wire::protocol);
  CHECK(bench.welcome().network == network);
}

TEST_CASE("a guest too old to set up a network as it is told is refused", "[hostd]") {
  Bench bench(GuestIdentity{});
  bench.session.give_network({"10.77.0.2/24", "10.77.0.1", {}});
  bench.hello(wire::protocol_with_devices - 1);
  bench.run_until([&] { return !bench.told.empty(); });
  CHECK(bench.told == std::vector<std::string>{"kestrel 0.0.9 in the guest is too old for a network"});
}

TEST_CASE("a guest too old to mount volumes is refused", "[hostd]") {
  Bench bench(with_volume());
  bench.hello(wire::protocol_with_devices - 1);
  bench.run_until([&] { return !bench.told.empty(); });
  CHECK(bench.told == std::vector<std::string>{"kestrel 0.0.9 in the guest is too old for volumes"});
}

TEST_CASE("an older guest without volumes is welcome", "[hostd]") {
  Bench bench(GuestIdentity{});
  bench.hello(wire::protocol_with_devices - 1);
  CHECK(bench.welcome().protocol == wire::protocol_with_devices - 1);
}
