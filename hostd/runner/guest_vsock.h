// The guest's vsock device as the runner has it, whoever plays it. One is made for each VMM, before it
// starts, and goes when the VMM has ended.
//
// Both devices serve the folder's vsock.sock. Where the guest's own calls arrive differs: ours leads them to
// `<uds_path>_PORT`, that of the link among them; the kernel's to whoever listens on this host, so it listens
// for the link itself, at a port that is this guest's alone, and takes nobody else's connections there.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hostd/qemu_devices.h"
#include "hostd/runner/guest_dialer.h"
#include "hostd/vm_spec.h"
#include "kestrel/loop/loop.h"

namespace kestrel::hostd {

class GuestVsock : public GuestDialer {
 public:
  /// For the VMM's start. The descriptor in it stays this object's.
  [[nodiscard]] virtual VsockFacts facts() const = 0;
  /// The VMM has inherited what it needs.
  virtual void vmm_started() = 0;
  /// Whether the guest's driver is up, as far as is known.
  [[nodiscard]] virtual bool is_driver_up() const = 0;

  [[nodiscard]] virtual VsockDevice device() const = 0;
  [[nodiscard]] virtual std::size_t connections() const = 0;
  /// nullopt: the kernel's device counts nothing.
  [[nodiscard]] virtual std::optional<vsock::DeviceStats> stats() const = 0;
};

struct GuestVsockCallbacks {
  std::function<void()> on_driver_up;
  /// The guest's call for the link, where it arrives here.
  std::function<void(sys::UniqueFd)> on_link;
  /// The device cannot go on.
  std::function<void(const Error&)> on_failed;
};

using GuestVsockResult = Result<std::unique_ptr<GuestVsock>>;
/// `uds_path` is where vsock.sock is to be.
[[nodiscard]] GuestVsockResult open_kernel_vsock(loop::Loop& loop, const std::string& uds_path,
                                                 GuestVsockCallbacks callbacks);
[[nodiscard]] GuestVsockResult open_user_vsock(loop::Loop& loop, const std::string& uds_path,
                                               GuestVsockCallbacks callbacks);

/// As is wanted. `automatic` takes what `native` opens, and where that fails what `user` opens.
[[nodiscard]] GuestVsockResult choose_vsock(VsockDevice wanted,
                                            const std::function<GuestVsockResult()>& native,
                                            const std::function<GuestVsockResult()>& user);

/// Dials through the device of whichever VMM runs now.
class DeviceDialer final : public GuestDialer {
 public:
  DeviceDialer(loop::Loop& loop, const std::unique_ptr<GuestVsock>& device) : loop_(loop), device_(device) {}

  void connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
               std::function<void(Result<void>)> done) override {
    if (device_ == nullptr) {
      return loop_.post([done] { done(Error{"cannot connect to the guest: no VMM is running", ENOTCONN}); });
    }
    device_->connect(port, std::move(host), std::move(preamble), std::move(done));
  }

 private:
  loop::Loop& loop_;
  const std::unique_ptr<GuestVsock>& device_;
};

}  // namespace kestrel::hostd
