#include "hostd/tls/terminator.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "../loop_bench.h"
#include "certificates.h"
#include "kestrel/sys/socket.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A terminator on a port of its own, and the plain sides that it has given away.
struct TerminatorBench : LoopBench {
  explicit TerminatorBench(TlsLimits limits = {})
      : terminator(loop, identity(), limits, [this](sys::UniqueFd fd) { plain.push_back(std::move(fd)); }) {
    auto socket = sys::listen_tcp("127.0.0.1", 0);
    REQUIRE(socket);
    port = *sys::bound_tcp_port(*socket);
    terminator.listen(std::move(*socket));
  }
  static TlsContext identity() {
    const Pem pem = make_pem();
    auto context = make_tls_context(pem.certificate, pem.key);
    REQUIRE(context);
    return std::move(*context);
  }
  sys::UniqueFd connect() {
    auto socket = sys::connect_tcp("127.0.0.1", port);
    REQUIRE(socket);
    return std::move(*socket);
  }

  std::uint16_t port = 0;
  std::vector<sys::UniqueFd> plain;
  TlsTerminator terminator;
};

/// The other end of the session.
class Client {
 public:
  explicit Client(TerminatorBench& bench)
      : socket(bench.connect()),
        context_(SSL_CTX_new(TLS_client_method())),
        session(SSL_new(context_.get())) {
    SSL_set_fd(session.get(), socket.get());
    SSL_set_connect_state(session.get());
    bench.run_until([&] { return SSL_do_handshake(session.get()) == 1 && !bench.plain.empty(); });
  }
  /// What has come by now; whether it was the last is `has_end`.
  void pull() {
    char buffer[4096];
    int count = 0;
    while ((count = SSL_read(session.get(), buffer, sizeof buffer)) > 0) {
      received.append(buffer, static_cast<std::size_t>(count));
    }
    has_end = SSL_get_error(session.get(), count) == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
  }

  sys::UniqueFd socket;

 private:
  TlsContext context_;

 public:
  TlsSession session;
  std::string received;
  bool has_end = false;
};

bool is_closed(int fd) { return Inbox(fd).pull(); }

}  // namespace

TEST_CASE("what comes over TLS goes on in the clear, and the answer back", "[hostd][tls]") {
  TerminatorBench bench;
  Client client(bench);
  REQUIRE(SSL_write(client.session.get(), "question", 8) == 8);
  Inbox inbox(bench.plain[0].get());
  bench.run_until([&] { return inbox.has("question"); });
  REQUIRE(::send(bench.plain[0].get(), "answer", 6, 0) == 6);
  bench.run_until([&] {
    client.pull();
    return client.received == "answer";
  });
}

TEST_CASE("a client's signed end is passed on, and still answered", "[hostd][tls]") {
  TerminatorBench bench;
  Client client(bench);
  SSL_shutdown(client.session.get());
  bench.run_until([&] { return is_closed(bench.plain[0].get()); });
  REQUIRE(::send(bench.plain[0].get(), "answer", 6, 0) == 6);
  bench.plain[0].reset();
  bench.run_until([&] {
    client.pull();
    return client.has_end;
  });
  CHECK(client.received == "answer");
  CHECK(bench.terminator.connection_count() == 0);
}

TEST_CASE("a connection that is cut without a signed end is cut for both sides", "[hostd][tls]") {
  TerminatorBench bench;
  Client client(bench);
  ::shutdown(client.socket.get(), SHUT_WR);
  bench.run_until([&] { return is_closed(bench.plain[0].get()); });
}

TEST_CASE("who does not speak TLS is sent away, and nobody hears of it", "[hostd][tls]") {
  TerminatorBench bench;
  const auto socket = bench.connect();
  bench.run_until([&] { return bench.terminator.connection_count() == 1; });
  REQUIRE(::send(socket.get(), "GET / HTTP/1.1\r\n\r\n", 18, 0) == 18);
  bench.run_until([&] { return is_closed(socket.get()); });
  CHECK(bench.plain.empty());
}

TEST_CASE("a handshake that does not come to its end in time is broken off", "[hostd][tls]") {
  TerminatorBench bench({.handshake = milliseconds(20)});
  const auto socket = bench.connect();
  bench.run_until([&] { return is_closed(socket.get()); });
  CHECK(bench.plain.empty());
}

TEST_CASE("a client that takes nothing holds up its answer, which is not kept for it", "[hostd][tls]") {
  TerminatorBench bench;
  Client client(bench);
  const std::string piece(16 * 1024, 'x');
  std::size_t sent = 0;
  bool is_held_up = false;
  // Far more than sockets hold.
  for (int round = 0; round < 20000 && !is_held_up; ++round) {
    const ssize_t count = ::send(bench.plain[0].get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::size_t>(count);
    is_held_up = count < 0;
    if (is_held_up) {
      bench.settle();
      is_held_up = ::send(bench.plain[0].get(), piece.data(), 1, MSG_DONTWAIT) < 0 || (++sent, false);
    }
  }
  REQUIRE(is_held_up);
  bench.plain[0].reset();
  bench.run_until([&] {
    client.pull();
    return client.has_end;
  });
  CHECK(client.received.size() == sent);
}

TEST_CASE("what a client takes no more of is given up some time after the other side has closed",
          "[hostd][tls]") {
  TerminatorBench bench({.farewell = milliseconds(20)});
  Client client(bench);
  const std::string piece(1024 * 1024, 'x');
  for (int round = 0; round < 100; ++round) {
    if (::send(bench.plain[0].get(), piece.data(), piece.size(), MSG_DONTWAIT) < 0) bench.settle();
  }
  bench.plain[0].reset();
  bench.run_until([&] { return bench.terminator.connection_count() == 0; });
}

TEST_CASE("clients of TLS beyond the most wait until another has gone", "[hostd][tls]") {
  TerminatorBench bench({.connections = 1});
  auto first = std::make_unique<Client>(bench);
  const auto second = bench.connect();
  bench.settle();
  CHECK(bench.terminator.connection_count() == 1);
  first.reset();
  bench.run_until([&] { return is_closed(bench.plain[0].get()); });
  bench.run_until([&] { return bench.terminator.connection_count() == 1; });
}
