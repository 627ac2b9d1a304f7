#include "hostd/address_choice.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

const IpNetwork own = *parse_ip_network("10.77.0.1/29");

KnownAddress known(const char* address, const char* vm, int given, bool is_held = false) {
  return {*parse_ip_address(address), vm, WallTime(seconds(given)), is_held};
}

std::string chosen(const IpNetwork& network, const std::vector<KnownAddress>& all, std::string_view vm) {
  const auto address = choose_address(network, all, vm);
  return address ? format(*address) : address.error().message;
}

}  // namespace

TEST_CASE("a new VM gets the lowest address that is nobody's, and never the host's", "[hostd]") {
  CHECK(chosen(own, {}, "a") == "10.77.0.2");
  CHECK(chosen(own, {known("10.77.0.2", "b", 1, true), known("10.77.0.3", "c", 2)}, "a") == "10.77.0.4");
  CHECK(chosen(*parse_ip_network("10.77.0.3/29"), {}, "a") == "10.77.0.1");
}

TEST_CASE("a VM that comes back gets the address that it had, unless another has it", "[hostd]") {
  CHECK(chosen(own, {known("10.77.0.5", "a", 1)}, "a") == "10.77.0.5");
  CHECK(chosen(own, {known("10.77.0.5", "a", 1, true)}, "a") == "10.77.0.2");
}

TEST_CASE("when all addresses were given once, the one given the longest ago is given again", "[hostd]") {
  std::vector<KnownAddress> all = {known("10.77.0.2", "b", 5), known("10.77.0.3", "c", 3, true),
                                   known("10.77.0.4", "d", 4), known("10.77.0.5", "e", 6),
                                   known("10.77.0.6", "f", 7)};
  CHECK(chosen(own, all, "a") == "10.77.0.4");
  for (KnownAddress& one : all) one.is_held = true;
  CHECK(chosen(own, all, "a") == "all 5 addresses of the network 10.77.0.1/29 are in use");
}

TEST_CASE("what is known of addresses outside the network counts for nothing", "[hostd]") {
  CHECK(chosen(own, {known("10.78.0.9", "a", 1), known("fd00::1", "a", 1), known("10.77.0.1", "a", 1)},
               "a") == "10.77.0.2");
  CHECK(chosen(own, {known("10.77.0.0", "a", 1), known("10.77.0.7", "a", 1)}, "a") == "10.77.0.2");
}

TEST_CASE("a large network does not remember all addresses that it ever gave", "[hostd]") {
  std::vector<KnownAddress> all;
  for (std::size_t i = 2; i < most_remembered + 2; ++i) {
    const std::string address = concat("10.77.", i / 256, '.', i % 256);
    all.push_back(known(address.c_str(), "b", static_cast<int>(i == 700 ? 0 : i), i < 10));
  }
  const IpNetwork large = *parse_ip_network("10.77.0.1/16");
  CHECK(chosen(large, all, "a") == "10.77.2.188");
  for (KnownAddress& one : all) one.is_held = true;
  CHECK(chosen(large, all, "a") == "10.77.4.2");
}

TEST_CASE("a network without room for guests has no addresses to give away", "[hostd]") {
  CHECK(chosen(*parse_ip_network("10.77.0.0/31"), {}, "a") ==
        "the network 10.77.0.0/31 has no addresses to give away");
  CHECK(chosen(*parse_ip_network("fd00::1/64"), {}, "a") ==
        "the network fd00::1/64 has no addresses to give away");
  CHECK(chosen(*parse_ip_network("10.77.0.1/30"), {}, "a") == "10.77.0.2");
}
