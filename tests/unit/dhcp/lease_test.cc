#include "kestrel/dhcp/lease.h"

#include <catch2/catch.hpp>

#include "tests/unit/dhcp/server.h"

namespace kestrel::dhcp {
namespace {

using namespace test;

Reply granted(std::uint32_t lease = 3600) {
  return {.answer = Answer::acknowledge,
          .address = ip("10.0.2.15"),
          .server = ip("10.0.2.2"),
          .netmask = ip("255.255.255.0"),
          .lease_seconds = lease};
}

TEST_CASE("what is granted becomes a lease", "[dhcp]") {
  auto reply = granted();
  reply.routers = {ip("10.0.2.2"), ip("10.0.2.3")};
  reply.name_servers = {ip("10.0.2.3"), ip("0.0.0.0")};
  reply.mtu = 1400;
  reply.host_name = "web";
  reply.domain_name = "example.org";
  CHECK(lease_of(reply) == Lease{.settings = {.address = *parse_ip_network("10.0.2.15/24"),
                                              .router = ip("10.0.2.2"),
                                              .name_servers = {ip("10.0.2.3")},
                                              .host_name = "web",
                                              .domain_name = "example.org",
                                              .mtu = 1400},
                                 .server = ip("10.0.2.2"),
                                 .times = Lease::Times{seconds(1800), seconds(3150), seconds(3600)}});
}

TEST_CASE("an address that no machine can have is not taken", "[dhcp]") {
  auto reply = granted();
  reply.address = ip(GENERATE("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"));
  CHECK_FALSE(lease_of(reply));
}

TEST_CASE("nothing is taken of a server that does not say who it is or for how long", "[dhcp]") {
  auto nameless = granted();
  nameless.server.reset();
  CHECK_FALSE(lease_of(nameless));
  auto timeless = granted();
  timeless.lease_seconds.reset();
  CHECK_FALSE(lease_of(timeless));
  CHECK_FALSE(lease_of(granted(0)));
  CHECK_FALSE(lease_of(granted(9)));
  CHECK(lease_of(granted(10)));
}

TEST_CASE("without a netmask the address has that of its class, with a wrong one it is not taken", "[dhcp]") {
  auto reply = granted();
  reply.netmask.reset();
  CHECK(lease_of(reply)->settings.address.prefix == 8);
  reply.netmask = ip(GENERATE("0.0.0.0", "255.0.255.0"));
  CHECK_FALSE(lease_of(reply));
}

TEST_CASE("times that contradict each other give way to the usual ones", "[dhcp]") {
  struct Row {
    std::uint32_t renewal, rebinding;
  };
  const auto row =
      GENERATE(Row{0, 3000}, Row{3000, 2000}, Row{1000, 4000}, Row{4000, 5000}, Row{0xffffffff, 1});
  auto reply = granted();
  reply.renewal_seconds = row.renewal;
  reply.rebinding_seconds = row.rebinding;
  CHECK(lease_of(reply)->times == Lease::Times{seconds(1800), seconds(3150), seconds(3600)});
}

TEST_CASE("a lease may be for ever", "[dhcp]") { CHECK_FALSE(lease_of(granted(0xffffffff))->times); }

TEST_CASE("a router that is the machine itself or none is not routed through", "[dhcp]") {
  auto reply = granted();
  reply.routers = {ip(GENERATE("10.0.2.15", "0.0.0.0", "255.255.255.255"))};
  CHECK_FALSE(lease_of(reply)->settings.router);
}

TEST_CASE("an MTU that would cut the machine off is left out", "[dhcp]") {
  auto reply = granted();
  reply.mtu = 575;
  CHECK_FALSE(lease_of(reply)->settings.mtu);
  reply.mtu = 576;
  CHECK(lease_of(reply)->settings.mtu == 576);
}

}  // namespace
}  // namespace kestrel::dhcp
