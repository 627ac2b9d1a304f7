#include "hostd/vsock/kernel_device.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <set>
#include <vector>

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// The kernel as a set of CIDs that are taken.
struct FakeKernel {
  std::set<std::uint32_t> taken;
  std::vector<std::uint32_t> asked;
  int operator()(std::uint32_t cid) {
    asked.push_back(cid);
    return taken.insert(cid).second ? 0 : EADDRINUSE;
  }
};

}  // namespace

TEST_CASE("a guest gets the first CID that no other has", "[hostd]") {
  FakeKernel kernel{.taken = {100, 101, 103}, .asked = {}};
  CHECK(vsock::take_cid(100, std::ref(kernel)).value_or(0) == 102);
  CHECK(vsock::take_cid(100, std::ref(kernel)).value_or(0) == 104);
  CHECK(vsock::take_cid(7, std::ref(kernel)).value_or(0) == 7);
}

TEST_CASE("a CID that is refused for another reason than its use leads to no other", "[hostd]") {
  std::vector<std::uint32_t> asked;
  const auto cid = vsock::take_cid(100, [&](std::uint32_t one) {
    asked.push_back(one);
    return one == 100 ? EADDRINUSE : EPERM;
  });
  REQUIRE_FALSE(cid);
  CHECK(cid.error().code == EPERM);
  CHECK(cid.error().message == "cannot take a CID: Operation not permitted");
  CHECK(asked == std::vector<std::uint32_t>{100, 101});
}

TEST_CASE("a kernel that has no CID left is asked so often and no more", "[hostd]") {
  int count = 0;
  const auto cid = vsock::take_cid(vsock::first_guest_cid, [&](std::uint32_t) {
    ++count;
    return EADDRINUSE;
  });
  REQUIRE_FALSE(cid);
  CHECK(cid.error().message == "cannot take a CID: Address already in use");
  CHECK(count == vsock::most_cids_tried);
}
