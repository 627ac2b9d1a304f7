#include "hostd/vsock/tunnel.h"

#include <catch2/catch.hpp>

#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::test {

namespace {

constexpr ConnectionId id{.host_port = 100, .guest_port = 200};
constexpr MonotonicTime start{seconds(1000)};

/// A tunnel the host has asked for, without a device around it.
struct Requested {
  loop::Loop loop;
  std::optional<Result<void>> outcome;
  std::pair<sys::UniqueFd, sys::UniqueFd> host = socket_pair();
  Tunnel tunnel;

  explicit Requested(Preamble preamble = {})
      : tunnel(loop, Connection::to_guest(id, 65536, start), std::move(host.second),
               Opening{.preamble = std::move(preamble),
                       .done = [this](Result<void> done) { outcome = std::move(done); }},
               [](loop::Interest) {}) {}
};

PreambleStep wait_for_more(std::string_view) { return {}; }

}  // namespace

TEST_CASE("a guest that does not accept in time is given up", "[vsock]") {
  Requested requested;
  CHECK(requested.tunnel.deadline() == start + accept_timeout);
  requested.tunnel.on_deadline();
  REQUIRE(requested.outcome);
  CHECK(requested.outcome->error().code == ETIMEDOUT);
  CHECK(requested.tunnel.connection().is_reset_due());
}

TEST_CASE("a guest that does not answer a preamble in time is given up", "[vsock]") {
  Requested requested({"hello", wait_for_more});
  const MonotonicTime later = start + seconds(3);
  requested.tunnel.on_packet(FrontEnd::header(Operation::response, id), {}, later);
  CHECK_FALSE(requested.outcome);
  CHECK(requested.tunnel.deadline() == later + preamble_timeout);
  requested.tunnel.on_deadline();
  REQUIRE(requested.outcome);
  CHECK(requested.outcome->error().code == ETIMEDOUT);
}

TEST_CASE("an accepted connection has no deadline", "[vsock]") {
  Requested requested;
  requested.tunnel.on_packet(FrontEnd::header(Operation::response, id), {}, start);
  REQUIRE(requested.outcome);
  CHECK(requested.outcome->has_value());
  CHECK_FALSE(requested.tunnel.deadline());
}

}  // namespace kestrel::hostd::vsock::test
