#include <cstring>
#include <random>

#include "api_bench.h"
#include "kestrel/loop/listener.h"
#include "kestrel/sys/socket.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;

namespace {

/// A TCP server that sends back what it gets, and ends when its client does.
class EchoServer {
 public:
  explicit EchoServer(loop::Loop& loop) : loop_(&loop) {
    sys::UniqueFd socket = sys::listen_tcp("127.0.0.1", 0).value();
    port = sys::bound_tcp_port(socket).value();
    listener_ = loop::Listener(loop, std::move(socket), [this](sys::UniqueFd fd) { serve(std::move(fd)); });
  }

  std::uint16_t port = 0;
  std::size_t ended = 0;

 private:
  void serve(sys::UniqueFd fd) {
    loop::Stream& stream = *streams_.emplace_back(std::make_unique<loop::Stream>());
    stream = loop::Stream(*loop_, std::move(fd),
                          {.on_data =
                               [&stream](std::string_view bytes) {
                                 stream.write(std::string(bytes));
                                 if (stream.queued_bytes() > 256 * 1024) stream.stop_reading();
                               },
                           .on_end =
                               [this, &stream](const Error*) {
                                 ++ended;
                                 stream.shutdown();
                               },
                           .on_drained = [&stream] { stream.start_reading(); }});
    stream.start_reading();
  }

  loop::Loop* loop_;
  loop::Listener listener_;
  std::vector<std::unique_ptr<loop::Stream>> streams_;
};

constexpr std::string_view established = "HTTP/1.1 200 Connection established\r\n\r\n";

std::string connect_to(std::string_view host, std::uint16_t port) {
  return concat("CONNECT ", host, ":", port, " HTTP/1.1\r\nHost: ", host, ":", port, "\r\n\r\n");
}

/// A client behind an established tunnel.
Client& open_tunnel_to(Bench& bench, std::uint16_t port) {
  Client& client = bench.connect();
  client.stream.write(connect_to("127.0.0.1", port));
  bench.run_until([&] { return client.received == established; });
  client.received.clear();
  return client;
}

std::uint16_t closed_port() {
  const sys::UniqueFd socket = sys::listen_tcp("127.0.0.1", 0).value();
  return sys::bound_tcp_port(socket).value();
}

}  // namespace

TEST_CASE("a tunnel carries 8 MiB both ways at once and passes the end on", "[control]") {
  Bench bench;
  EchoServer echo(bench.loop);
  Client& client = open_tunnel_to(bench, echo.port);
  CHECK(bench.server.tunnel_count() == 1);
  CHECK(bench.server.connection_count() == 0);
  std::mt19937 random(1);  // NOLINT: the same bytes every time
  std::string sent(8 << 20, '\0');
  for (std::size_t i = 0; i < sent.size(); i += 4) {
    const auto word = static_cast<std::uint32_t>(random());
    std::memcpy(sent.data() + i, &word, 4);
  }
  client.stream.write(sent);
  client.stream.shutdown();
  bench.run_until([&] { return client.has_ended; });
  CHECK(echo.ended == 1);
  CHECK(client.received.size() == sent.size());
  CHECK(client.received == sent);
  bench.run_until([&] { return bench.server.tunnel_count() == 0; });
}

TEST_CASE("bytes behind the CONNECT request go to the target", "[control]") {
  Bench bench;
  EchoServer echo(bench.loop);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    Client& client = bench.connect();
    client.stream.write(connect_to(host, echo.port) + "early bytes");
    bench.run_until([&] { return client.received == concat(established, "early bytes"); });
  }
}

TEST_CASE("a tunnel may follow other requests on a connection", "[control]") {
  Bench bench;
  EchoServer echo(bench.loop);
  Client& client = bench.connect();
  client.stream.write("GET /v1/session HTTP/1.1\r\nHost: vm\r\n\r\n" + connect_to("127.0.0.1", echo.port) +
                      "hello");
  bench.run_until([&] { return client.received.ends_with("\r\n\r\nhello"); });
  CHECK(client.received.starts_with("HTTP/1.1 204 "));
}

TEST_CASE("a tunnel to a port where nobody listens is 502 with the cause, and the connection goes on",
          "[control]") {
  Bench bench;
  Client& client = bench.connect();
  const std::uint16_t port = closed_port();
  const wire::Response refused = bench.call(client, "CONNECT", concat("127.0.0.1:", port));
  CHECK(refused.status == 502);
  CHECK(problem_of(refused) == concat("cannot connect to port ", port, " of 127.0.0.1: Connection refused"));
  CHECK(bench.call(client, "CONNECT", concat("localhost:", port)).status == 502);
  CHECK(bench.call(client, "GET", "/v1/info").status == 200);
}

TEST_CASE("a tunnel leads to the guest's own loopback only", "[control]") {
  Bench bench;
  for (const char* target : {"10.0.0.1:80", "example.org:80", "0.0.0.0:80", "[::]:80",
                             "127.0.0.1.evil.org:80", "169.254.169.254:80"}) {
    CHECK(bench.call(bench.connect(), "CONNECT", target).status == 403);
  }
  for (const char* target :
       {"127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8x"}) {
    CHECK(bench.call(bench.connect(), "CONNECT", target).status == 400);
  }
}

TEST_CASE("a tunnel ends when its client is gone", "[control]") {
  Bench bench;
  EchoServer echo(bench.loop);
  Client& client = open_tunnel_to(bench, echo.port);
  client.stream = {};
  bench.run_until([&] { return bench.server.tunnel_count() == 0; });
}

TEST_CASE("a client that does not read holds up only its own tunnel", "[control]") {
  Bench bench;
  EchoServer echo(bench.loop);
  Client& stalled = open_tunnel_to(bench, echo.port);
  stalled.stream.stop_reading();
  stalled.stream.write(std::string(32 << 20, 'x'));
  Client& other = open_tunnel_to(bench, echo.port);
  other.stream.write("ping");
  bench.run_until([&] { return other.received == "ping"; });
  // Nowhere on the way is there room for 32 MiB: most of it still waits on the client's side.
  CHECK(stalled.stream.queued_bytes() > (8U << 20));
  stalled.stream.start_reading();
  stalled.stream.shutdown();
  bench.run_until([&] { return stalled.has_ended; });
  CHECK(stalled.received.size() == 32U << 20);
}

TEST_CASE("many tunnels at once all carry their own bytes", "[control]") {
  Bench bench;
  EchoServer echo(bench.loop);
  std::vector<Client*> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(&bench.connect());
    clients.back()->stream.write(connect_to("127.0.0.1", echo.port) + "tunnel " + std::to_string(i));
    clients.back()->stream.shutdown();
  }
  bench.run_until(
      [&] { return std::all_of(clients.begin(), clients.end(), [](Client* c) { return c->has_ended; }); });
  for (int i = 0; i < 100; ++i) CHECK(clients[i]->received == concat(established, "tunnel ", i));
  bench.run_until([&] { return bench.server.tunnel_count() == 0; });
}
