#include <catch2/catch.hpp>

#include "hostd/runner/guest_vsock.h"
#include "hostd/vsock/kernel_device.h"
#include "tests/guest/vsock_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("no CID of the kernel's device is given twice, and one that is closed is free again", "[vsock]") {
  auto first = vsock::open_kernel_device();
  REQUIRE(first);
  const auto second = vsock::open_kernel_device();
  REQUIRE(second);
  CHECK(second->cid == first->cid + 1);
  const auto third = vsock::open_kernel_device();
  REQUIRE(third);
  CHECK(third->cid == first->cid + 2);
  const std::uint32_t freed = first->cid;
  first->fd.reset();
  const auto again = vsock::open_kernel_device();
  REQUIRE(again);
  CHECK(again->cid == freed);
}

TEST_CASE("each guest of the kernel's device has a port for its link, closed to strangers", "[vsock]") {
  VsockBench bench;
  TemporaryFolder folder;
  int calls = 0;
  const auto open = [&](const char* name) {
    return open_kernel_vsock(bench.loop, folder.file(name),
                             {.on_driver_up = [&] { ++calls; },
                              .on_link = [&](sys::UniqueFd) { ++calls; },
                              .on_failed = [](const Error&) {}});
  };
  const auto one = open("1");
  const auto other = open("2");
  REQUIRE(one);
  REQUIRE(other);
  const VsockFacts facts = (*one)->facts();
  CHECK(facts.kernel_cid.value_or(0) >= vsock::first_guest_cid);
  CHECK(facts.kernel_cid != (*other)->facts().kernel_cid);
  CHECK(facts.link_port != (*other)->facts().link_port);

  // It comes from the CID of this very kernel, which is not the guest's.
  const auto stranger = bench.connect(own_cid, facts.link_port);
  REQUIRE(stranger);
  Inbox inbox(stranger->get());
  bench.run_until([&] { return inbox.pull(); });
  CHECK(calls == 0);
  CHECK_FALSE((*one)->is_driver_up());
}
