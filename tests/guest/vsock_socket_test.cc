#include <sys/socket.h>
#include <sys/time.h>
// Its structures name sockaddr: it must come after <sys/socket.h>.
#include <linux/vm_sockets.h>

#include <catch2/catch.hpp>

#include "hostd/runner/preambles.h"
#include "hostd/runner/relay_dialer.h"
#include "kestrel/base/text.h"
#include "tests/guest/vsock_bench.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A caller of the dialer, with one end of a pair.
struct Caller {
  Caller() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    ours = sys::UniqueFd(ends[0]);
    given = sys::UniqueFd(ends[1]);
    inbox.emplace(ours.get());
  }
  sys::UniqueFd ours;
  sys::UniqueFd given;
  std::optional<Inbox> inbox;
};

}  // namespace

TEST_CASE("a vsock port that was left to the kernel is told, and can be reached", "[vsock]") {
  VsockBench bench;
  CHECK(bench.port > 1023);
  CHECK(bench.port != sys::any_vsock_port);
  const auto socket = bench.connect(own_cid, bench.port);
  REQUIRE(socket);
  REQUIRE(::send(socket->get(), "question", 8, 0) == 8);
  bench.run_until([&] { return bench.heard == "question"; });
  CHECK(bench.peer_cid == own_cid);
  // Each direction has an end of its own.
  ::shutdown(socket->get(), SHUT_WR);
  bench.run_until([&] { return bench.has_peer_ended; });
  bench.peer.write("answer");
  Inbox inbox(socket->get());
  bench.run_until([&] { return inbox.has("answer"); });
  bench.peer = {};
  bench.run_until([&] { return inbox.pull(); });
}

TEST_CASE("a vsock port in use is an error with its number", "[vsock]") {
  VsockBench bench;
  const auto second = sys::listen_vsock(bench.port);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == EADDRINUSE);
  CHECK(second.error().message ==
        concat("cannot listen on vsock port ", bench.port, ": Address already in use"));
}

TEST_CASE("a vsock port where nobody listens resets who comes", "[vsock]") {
  VsockBench bench;
  bench.listener = {};
  const auto socket = bench.connect(own_cid, bench.port);
  REQUIRE_FALSE(socket);
  CHECK(socket.error().code == ECONNRESET);
}

TEST_CASE("a vsock peer has as long to accept as was asked for", "[vsock]") {
  VsockBench bench;
  const auto socket = sys::connect_vsock(own_cid, bench.port, milliseconds(12'345));
  REQUIRE(socket);
  timeval time{};
  socklen_t size = sizeof time;
  REQUIRE(::getsockopt(socket->get(), AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &time, &size) == 0);
  // The kernel counts in ticks, of 10 ms at most.
  CHECK(time.tv_sec == 12);
  CHECK(time.tv_usec / 10'000 == Approx(34).margin(1));
}

TEST_CASE("a caller is joined to a guest through the kernel, after the preamble", "[vsock]") {
  VsockBench bench;
  Caller caller;
  RelayDialer dialer(bench.loop, kernel_way(own_cid));
  std::string result;
  dialer.connect(bench.port, std::move(caller.given), session_preamble("secret"),
                 [&](const Result<void>& joined) { result = joined ? "joined" : joined.error().message; });
  bench.run_until([&] { return bench.heard.ends_with("Authorization: Bearer secret\r\n\r\n"); });
  CHECK(bench.heard.starts_with("GET /v1/session "));
  bench.peer.write("HTTP/1.1 204 No Content\r\n\r\nfirst bytes");
  bench.run_until([&] { return caller.inbox->has("first bytes"); });
  CHECK(result == "joined");
  CHECK(caller.inbox->text() == "first bytes");
  ::shutdown(caller.ours.get(), SHUT_WR);
  bench.run_until([&] { return bench.has_peer_ended; });
  bench.peer.write("last bytes");
  bench.run_until([&] { return caller.inbox->has("last bytes"); });
  bench.peer = {};
  bench.run_until([&] { return dialer.connections() == 0; });
}

TEST_CASE("a caller who is to be told of it reads the port of his connection first", "[vsock]") {
  VsockBench bench;
  Caller caller;
  RelayDialer dialer(bench.loop, kernel_way(own_cid));
  dialer.open(bench.port, std::move(caller.given), {.greeting = vsock::Opening::Greeting::ok_line});
  bench.run_until([&] { return caller.inbox->has("\n"); });
  CHECK(caller.inbox->text().starts_with("OK "));
  const auto port = parse_integer(trim(std::string_view(caller.inbox->text()).substr(3)));
  REQUIRE(port);
  CHECK(*port > 1023);
  CHECK(*port != bench.port);
  REQUIRE(::send(caller.ours.get(), "question", 8, 0) == 8);
  bench.run_until([&] { return bench.heard == "question"; });
}

TEST_CASE("a caller of a guest's port where nobody listens is told so", "[vsock]") {
  VsockBench bench;
  bench.listener = {};
  Caller caller;
  RelayDialer dialer(bench.loop, kernel_way(own_cid));
  std::string result;
  dialer.connect(bench.port, std::move(caller.given), {},
                 [&](const Result<void>& joined) { result = joined ? "joined" : joined.error().message; });
  bench.run_until([&] { return !result.empty(); });
  CHECK(result == "cannot connect to the guest: cannot connect: Connection reset by peer");
  CHECK(caller.inbox->pull());
  CHECK(dialer.connections() == 0);
}

TEST_CASE("what is relayed through the kernel arrives whole, however slowly it is read", "[vsock]") {
  VsockBench bench;
  Caller caller;
  RelayDialer dialer(bench.loop, kernel_way(own_cid));
  dialer.connect(bench.port, std::move(caller.given), {}, [](const Result<void>&) {});
  std::string sent(4'000'037, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i * i % 23);
  std::size_t taken = 0;
  bench.run_until([&] {
    const ssize_t count = ::send(caller.ours.get(), sent.data() + taken, sent.size() - taken, MSG_NOSIGNAL);
    if (count > 0) taken += static_cast<std::size_t>(count);
    return taken == sent.size();
  });
  bench.run_until([&] { return bench.heard.size() == sent.size(); });
  CHECK((bench.heard == sent));
  bench.peer.write(std::string(sent));
  bench.run_until([&] { return caller.inbox->has("") && caller.inbox->text().size() == sent.size(); });
  CHECK((caller.inbox->text() == sent));
}
