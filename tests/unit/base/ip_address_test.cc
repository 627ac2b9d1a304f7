#include "kestrel/base/ip_address.h"

#include <catch2/catch.hpp>

using namespace kestrel;

TEST_CASE("an address is read and written in its customary form", "[base]") {
  CHECK(format(parse_ip_address("10.0.0.2").value()) == "10.0.0.2");
  CHECK(format(parse_ip_address("FD00:0:0::2").value()) == "fd00::2");
  CHECK(format(parse_ip_network("10.0.0.2/24").value()) == "10.0.0.2/24");
  CHECK(parse_ip_address("10.0.0.2")->used().size() == 4);
  CHECK(parse_ip_address("::1")->used().size() == 16);
}

TEST_CASE("what is no address is not taken for one", "[base]") {
  for (const char* text :
       {"", "10.0.0", "10.0.0.256", "10.0.0.2/24", "localhost", "fe80::1%eth0", ":", "1:2"})
    CHECK_FALSE(parse_ip_address(text));
  CHECK_FALSE(parse_ip_address(std::string_view("10.0.0.1\0", 9)));
  for (const char* text : {"10.0.0.2", "10.0.0.2/", "10.0.0.2/33", "10.0.0.2/-1", "::1/129", "/24"})
    CHECK_FALSE(parse_ip_network(text));
}

TEST_CASE("a netmask has a prefix length if its ones are in front", "[base]") {
  const auto prefix = [](std::string_view text) { return prefix_of_netmask(parse_ip_address(text).value()); };
  CHECK(prefix("255.255.255.0") == 24);
  CHECK(prefix("255.255.240.0") == 20);
  CHECK(prefix("255.255.255.255") == 32);
  CHECK(prefix("0.0.0.0") == 0);
  CHECK_FALSE(prefix("255.0.255.0"));
  CHECK_FALSE(prefix("255.255.253.0"));
  CHECK_FALSE(prefix("0.0.0.255"));
}
