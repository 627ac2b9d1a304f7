#include "hostd/vm_network.h"

#include <catch2/catch.hpp>

#include "hostd/net/address_lease.h"
#include "hostd/net/vm_card.h"
#include "hostd/qemu_devices.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

const NetworkSpec user{NetworkSpec::Kind::user, ""};
const NetworkSpec bridge{NetworkSpec::Kind::bridge, "br0"};
const IpNetwork own = *parse_ip_network("10.77.0.1/24");

}  // namespace

TEST_CASE("a network is none, QEMU's own, or a bridge's", "[hostd]") {
  CHECK(*parse_network("none") == NetworkSpec{});
  CHECK(*parse_network("user") == user);
  CHECK(*parse_network("bridge=br0") == bridge);
  for (const NetworkSpec& network : {NetworkSpec{}, user, bridge})
    CHECK(*parse_network(format(network)) == network);
}

TEST_CASE("a wrong network is refused with what is wrong about it", "[hostd]") {
  CHECK(parse_network("host").error().message ==
        "cannot use network `host`: it is none of none, user, bridge=NAME");
  CHECK(parse_network("bridge=").error().message == "cannot use network `bridge=`: `` is no bridge's name");
  CHECK(parse_network("bridge=a,b").error().message ==
        "cannot use network `bridge=a,b`: `a,b` is no bridge's name");
  CHECK(!parse_network("bridge=sixteen-letters-"));
}

TEST_CASE("QEMU gets a card only where a network is wanted", "[hostd]") {
  CHECK(network_options(NetworkSpec{}, {}).empty());
  CHECK(network_options(user, {}) ==
        std::vector<std::string>{"-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"});
  CHECK(network_options(bridge, {7, mac_for(*parse_ip_address("10.77.0.2"))}) ==
        std::vector<std::string>{"-netdev", "tap,id=net,fd=7", "-device",
                                 "virtio-net-device,netdev=net,mac=0a:6b:0a:4d:00:02"});
}

TEST_CASE("no address is given twice while somebody has it open, and then to the same VM again", "[hostd]") {
  const TemporaryFolder folder;
  const std::string networks = folder.file("networks/br0");
  auto a = lease_address(networks, own, "a");
  REQUIRE(a);
  CHECK(format(a->address) == "10.77.0.2");
  CHECK(folder.read("networks/br0/10.77.0.2") == "a\n");
  CHECK(format(lease_address(networks, own, "a")->address) == "10.77.0.3");
  CHECK(format(lease_address(networks, own, "b")->address) == "10.77.0.4");

  const sys::UniqueFd of_qemu(::dup(a->lock.get()));
  a->lock.reset();
  CHECK(format(lease_address(networks, own, "a")->address) == "10.77.0.3");
  CHECK(format(lease_address(networks, own, "c")->address) == "10.77.0.5");
}

TEST_CASE("files that are no leases are left alone", "[hostd]") {
  const TemporaryFolder folder;
  folder.write("README", "mine\n");
  folder.write("10.77.0.2", "");
  const auto lease = lease_address(folder.path(), own, "a");
  REQUIRE(lease);
  CHECK(format(lease->address) == "10.77.0.3");
  CHECK(folder.read("README") == "mine\n");
}

TEST_CASE("where no address can be given the reason is told", "[hostd]") {
  const TemporaryFolder folder;
  folder.write("file", "");
  CHECK(lease_address(folder.file("file"), own, "a")
            .error()
            .message.starts_with("cannot give the VM an address: cannot "));
  CHECK(lease_address(folder.path(), *parse_ip_network("10.0.0.1/32"), "a").error().message ==
        "cannot give the VM an address: the network 10.0.0.1/32 has no addresses to give away");
}

TEST_CASE("guests are not told of name servers on the host's loopback", "[hostd]") {
  const auto servers = read_name_servers(
      "# nameserver 9.9.9.9\nsearch lan\n nameserver\t10.0.0.53 \nnameserver 127.0.0.53\nnameserver "
      "fe80::1%eth0\nnameserver x\nnameserver 10.0.0.54");
  REQUIRE(servers.size() == 2);
  CHECK(format(servers[0]) == "10.0.0.53");
  CHECK(format(servers[1]) == "10.0.0.54");
}
