#include "hostd/vsock/guest_memory.h"

#include <catch2/catch.hpp>

#include "tests/unit/hostd/vsock/guest_ram.h"

namespace kestrel::hostd::vsock::test {

namespace {

/// The layout of a PC with more memory than fits below its hole: two regions of one file.
struct TwoRegions {
  GuestRam ram{1 << 20};
  GuestMemory memory = map();

  GuestMemory map() {
    const MemoryRegion regions[] = {{0, 0x80000, 0x7000000, 0}, {0x100000000, 0x80000, 0x9000000, 0x80000}};
    const sys::UniqueFd files[] = {ram.share(), ram.share()};
    return std::move(*GuestMemory::map(regions, files));
  }
};

}  // namespace

TEST_CASE("both kinds of addresses lead to the same bytes", "[vsock]") {
  TwoRegions two;
  two.ram.write_text(0x1234, "low");
  two.ram.write_text(0x80010, "high");
  const auto text = [](std::optional<std::byte*> at, std::size_t length) {
    return at ? std::string(reinterpret_cast<const char*>(*at), length) : "nowhere";
  };
  CHECK(text(two.memory.at_guest_address(0x1234, 3), 3) == "low");
  CHECK(text(two.memory.at_user_address(0x7001234, 3), 3) == "low");
  CHECK(text(two.memory.at_guest_address(0x100000010, 4), 4) == "high");
  CHECK(text(two.memory.at_user_address(0x9000010, 4), 4) == "high");
}

TEST_CASE("a range is good only inside one region", "[vsock]") {
  TwoRegions two;
  CHECK(two.memory.at_guest_address(0, 0x80000));
  CHECK(two.memory.at_guest_address(0x7ffff, 1));
  CHECK_FALSE(two.memory.at_guest_address(0, 0x80001));
  CHECK_FALSE(two.memory.at_guest_address(0x80000, 1));
  CHECK_FALSE(two.memory.at_guest_address(0x7ffff, 2));
  CHECK_FALSE(two.memory.at_guest_address(0xffffffff, 2));
  CHECK_FALSE(two.memory.at_guest_address(0x1000, 0));
  CHECK_FALSE(two.memory.at_user_address(0x6ffffff, 2));
}

TEST_CASE("no range overflows", "[vsock]") {
  TwoRegions two;
  CHECK_FALSE(two.memory.at_guest_address(0x1000, ~0ULL));
  CHECK_FALSE(two.memory.at_guest_address(~0ULL, 2));
  CHECK_FALSE(two.memory.at_guest_address(~0ULL, ~0ULL));
  CHECK_FALSE(two.memory.at_user_address(0x7000001, ~0ULL - 0x7000000));
}

TEST_CASE("a region at the end of the address space has no byte behind it", "[vsock]") {
  GuestRam ram(1 << 20);
  const MemoryRegion region{~0ULL - 0x1000, 0x1000, 0, 0};
  const sys::UniqueFd file = ram.share();
  const auto memory = GuestMemory::map({&region, 1}, {&file, 1});
  REQUIRE(memory);
  CHECK(memory->at_guest_address(~0ULL - 0x1000, 0x1000));
  CHECK_FALSE(memory->at_guest_address(~0ULL - 0x1000, 0x1001));
}

TEST_CASE("without regions there is no memory", "[vsock]") {
  CHECK_FALSE(GuestMemory().at_guest_address(0, 1));
  const auto none = GuestMemory::map({}, {});
  REQUIRE(none);
  CHECK_FALSE(none->at_user_address(0, 1));
}

}  // namespace kestrel::hostd::vsock::test
