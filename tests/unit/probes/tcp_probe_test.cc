#include <catch2/catch.hpp>
#include <optional>

#include "kestrel/base/text.h"
#include "kestrel/probes/probe.h"
#include "kestrel/sys/socket.h"

namespace kestrel::probes {
namespace {

ProbeResult run(const config::TcpProbe& probe) {
  loop::Loop loop;
  std::optional<ProbeResult> result;
  const config::Probe held = probe;
  auto probing = start_probe(loop, held, {}, [&](const ProbeResult& told) { result = told; });
  CHECK_FALSE(result);
  loop.run();
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("a port that accepts is healthy, a closed one is refused", "[probes]") {
  auto listener = *sys::listen_tcp("127.0.0.1", 0);
  const auto port = *sys::bound_tcp_port(listener);
  const auto open = run({.port = port});
  CHECK(open.is_ok);
  CHECK(open.message == concat("tcp 127.0.0.1:", port, " accepts"));
  listener.reset();
  const auto closed = run({.port = port});
  CHECK_FALSE(closed.is_ok);
  CHECK(closed.message == concat("tcp 127.0.0.1:", port, ": connection refused"));
}

TEST_CASE("a host that is no address fails from the loop, with its reason", "[probes]") {
  const auto result = run({.port = 80, .host = "db.internal"});
  CHECK_FALSE(result.is_ok);
  CHECK(result.message.find("db.internal") != std::string::npos);
}

TEST_CASE("an IPv6 host is written in brackets", "[probes]") {
  auto listener = sys::listen_tcp("::1", 0);
  if (!listener) return;  // a machine without IPv6
  const auto port = *sys::bound_tcp_port(*listener);
  CHECK(run({.port = port, .host = "::1"}).message == concat("tcp [::1]:", port, " accepts"));
}

}  // namespace kestrel::probes
