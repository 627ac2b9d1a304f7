#include "hostd/runner/guest_vsock.h"

#include <catch2/catch.hpp>

#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// Only says which one it is.
struct FakeVsock final : GuestVsock {
  explicit FakeVsock(VsockDevice which) : which_(which) {}
  void connect(std::uint32_t, sys::UniqueFd, vsock::Preamble, std::function<void(Result<void>)>) override {}
  [[nodiscard]] VsockFacts facts() const override { return {}; }
  void vmm_started() override {}
  [[nodiscard]] bool is_driver_up() const override { return false; }
  [[nodiscard]] VsockDevice device() const override { return which_; }
  [[nodiscard]] std::size_t connections() const override { return 0; }
  [[nodiscard]] std::optional<vsock::DeviceStats> stats() const override { return std::nullopt; }

 private:
  VsockDevice which_;
};

/// A host whose kernel has the device, or has none.
struct FakeHost {
  bool has_native = true;
  std::vector<VsockDevice> opened;

  GuestVsockResult choose(VsockDevice wanted) {
    const auto open = [this](VsockDevice which) -> GuestVsockResult {
      opened.push_back(which);
      if (which == VsockDevice::native && !has_native)
        return Error{"cannot open /dev/vhost-vsock: No such file or directory", ENOENT};
      return std::unique_ptr<GuestVsock>(std::make_unique<FakeVsock>(which));
    };
    return choose_vsock(
        wanted, [&] { return open(VsockDevice::native); }, [&] { return open(VsockDevice::user); });
  }
};

}  // namespace

TEST_CASE("the kernel's vsock device serves where it can be used, unless ours is asked for", "[hostd]") {
  FakeHost host;
  CHECK(host.choose(VsockDevice::automatic).value()->device() == VsockDevice::native);
  CHECK(host.choose(VsockDevice::native).value()->device() == VsockDevice::native);
  host.opened.clear();
  CHECK(host.choose(VsockDevice::user).value()->device() == VsockDevice::user);
  CHECK(host.opened == std::vector<VsockDevice>{VsockDevice::user});
}

TEST_CASE("where the kernel has no vsock device ours serves, but not who asked for its", "[hostd]") {
  FakeHost host{.has_native = false, .opened = {}};
  CHECK(host.choose(VsockDevice::automatic).value()->device() == VsockDevice::user);
  const auto refused = host.choose(VsockDevice::native);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "cannot use the kernel's vsock device: cannot open /dev/vhost-vsock: No such file or directory");
}

TEST_CASE("our vsock device has a socket for QEMU, and the link where it has always been", "[hostd]") {
  LoopBench bench;
  TemporaryFolder folder;
  const auto vsock = open_user_vsock(bench.loop, folder.file("vsock.sock"), {});
  REQUIRE(vsock);
  const VsockFacts facts = (*vsock)->facts();
  CHECK(facts.fd >= 0);
  CHECK_FALSE(facts.kernel_cid);
  CHECK(facts.link_port == 1024);
  CHECK((*vsock)->stats()->connections == 0);
  // The device learns by it that the VMM is gone.
  (*vsock)->vmm_started();
  CHECK((*vsock)->facts().fd == -1);
}
