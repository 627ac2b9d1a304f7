#include "kestrel/loop/relay.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "kestrel/sys/socket.h"
#include "tests/unit/control/api_bench.h"

namespace kestrel::control {
namespace {

constexpr int longest_segment = 1000;

/// Two ends of a TCP connection, as a tunnel and its service have them. Its segments are short enough that
/// none ends where a piece does.
std::pair<sys::UniqueFd, sys::UniqueFd> tcp_pair() {
  const auto listener = sys::listen_tcp("127.0.0.1", 0).value();
  ::setsockopt(listener.get(), IPPROTO_TCP, TCP_MAXSEG, &longest_segment, sizeof longest_segment);
  auto near = sys::connect_tcp("127.0.0.1", sys::bound_tcp_port(listener).value()).value();
  sys::UniqueFd far;
  while (!far.is_open()) far.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  return {std::move(near), std::move(far)};
}

std::size_t take(const sys::UniqueFd& fd) {
  static std::array<char, 1 << 20> buffer;
  const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace

TEST_CASE("no part of a piece stays behind to wait for the next", "[control]") {
  test::Bench bench;
  auto [client, near] = test::Bench::pair();
  auto [target, service] = tcp_pair();
  const sys::UniqueFd watched(::fcntl(target.get(), F_DUPFD_CLOEXEC, 3));
  loop::RelayBuffer buffer;
  loop::Relay relay(bench.loop, buffer, {std::move(near), {}}, {std::move(target), {}}, [](loop::Relay&) {});
  // What fills the buffer exactly lets the relay think that there is more.
  const std::string piece(buffer.size(), 'p');
  const auto room = static_cast<int>(piece.size());
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  CHECK(::write(client.get(), piece.data(), piece.size()) == static_cast<ssize_t>(piece.size()));
  std::size_t taken = 0;
  const auto take_more = [&] {
    bench.loop.post([] {});  // the loop does not know of the service's end: ask again in its next round
    return taken += take(service);
  };
  bench.run_until([&] { return take_more() + longest_segment > piece.size(); });
  int unsent = -1;
  CHECK(::ioctl(watched.get(), SIOCOUTQNSD, &unsent) == 0);
  CHECK(unsent == 0);
  bench.run_until([&] { return take_more() == piece.size(); });
}

TEST_CASE("a tunnel's words to the service go at once", "[control]") {
  test::Bench bench;
  const auto listener = sys::listen_tcp("127.0.0.1", 0).value();
  auto& client = bench.connect();
  client.stream.write(
      concat("CONNECT 127.0.0.1:", sys::bound_tcp_port(listener).value(), " HTTP/1.1\r\nHost: vm\r\n\r\n"));
  bench.run_until([&] { return bench.server.tunnel_count() == 1; });
  // The service's own end says nothing about the other one: of all sockets of this process, the one whose
  // peer is the service's is the tunnel's.
  const auto port = sys::bound_tcp_port(listener).value();
  int without_delay = -1;
  for (int fd = 3; fd < 256 && without_delay < 0; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || peer.sin_family != AF_INET ||
        ntohs(peer.sin_port) != port)
      continue;
    size = sizeof without_delay;
    ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &without_delay, &size);
  }
  CHECK(without_delay == 1);
}

}  // namespace kestrel::control
