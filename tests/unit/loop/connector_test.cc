#include "kestrel/loop/connector.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "kestrel/sys/socket.h"
#include "tests/unit/loop/fixtures.h"

using namespace kestrel;
using namespace kestrel::loop;
using namespace kestrel::loop::test;

namespace {

/// A listening socket whose backlog is full: further connections stay under way.
struct FullBacklog {
  sys::UniqueFd listener = *sys::listen_tcp("127.0.0.1", 0);
  std::uint16_t port = *sys::bound_tcp_port(listener);
  std::vector<sys::UniqueFd> waiting;

  FullBacklog() {
    ::listen(listener.get(), 0);
    for (int i = 0; i < 3; ++i) waiting.push_back(*sys::connect_tcp("127.0.0.1", port));
  }
};

}  // namespace

TEST_CASE("a connection that is accepted hands over its descriptor", "[loop]") {
  Loop loop;
  auto listener = sys::listen_tcp("127.0.0.1", 0);
  auto socket = sys::connect_tcp("127.0.0.1", *sys::bound_tcp_port(*listener));
  REQUIRE(socket);
  sys::UniqueFd connected;
  Connector connector(loop, std::move(*socket), seconds(5), [&](Result<sys::UniqueFd> result) {
    REQUIRE(result);
    connected = std::move(*result);
  });
  CHECK(connector.is_pending());
  loop.run();
  CHECK(connected.is_open());
  CHECK_FALSE(connector.is_pending());
}

TEST_CASE("a descriptor that is connected already is handed over from the loop", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  bool is_done = false;
  Connector connector(loop, std::move(pair.near), seconds(5),
                      [&](Result<sys::UniqueFd> result) { is_done = result.has_value(); });
  CHECK_FALSE(is_done);
  loop.run();
  CHECK(is_done);
}

TEST_CASE("a refused connection tells so", "[loop]") {
  Loop loop;
  std::uint16_t port = 0;
  {
    auto listener = sys::listen_tcp("127.0.0.1", 0);
    port = *sys::bound_tcp_port(*listener);
  }
  auto socket = sys::connect_tcp("127.0.0.1", port);
  REQUIRE(socket);
  std::optional<Error> error;
  Connector connector(loop, std::move(*socket), seconds(5),
                      [&](Result<sys::UniqueFd> result) { error = result.error(); });
  loop.run();
  REQUIRE(error);
  CHECK(error->code == ECONNREFUSED);
  CHECK(error->message == "cannot connect: Connection refused");
}

TEST_CASE("a connection that stays under way ends with a time-out", "[loop]") {
  Loop loop;
  FullBacklog full;
  auto socket = sys::connect_tcp("127.0.0.1", full.port);
  REQUIRE(socket);
  std::optional<Error> error;
  Connector connector(loop, std::move(*socket), milliseconds(3),
                      [&](Result<sys::UniqueFd> result) { error = result.error(); });
  loop.run();
  REQUIRE(error);
  CHECK(error->code == ETIMEDOUT);
}

TEST_CASE("a destroyed connector says nothing", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  {
    Connector(loop, std::move(pair.near), seconds(5), [](Result<sys::UniqueFd>) { FAIL("called"); });
  }
  loop.run();
}

TEST_CASE("a connector may be destroyed or used again in its callback", "[loop]") {
  Loop loop;
  auto first = socket_pair(), second = socket_pair();
  std::string order;
  Connector connector;
  connector = Connector(
      loop, std::move(first.near), seconds(5), [&, held = std::string("first")](Result<sys::UniqueFd>) {
        connector = Connector(loop, std::move(second.near), seconds(5), [&](Result<sys::UniqueFd>) {
          connector = {};
          order += " second";
        });
        order += held;
      });
  loop.run();
  CHECK(order == "first second");
}
