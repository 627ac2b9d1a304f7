// The way into the guest, as narrow as those who use it need it: published ports, api.sock, and the runner's
// own requests.
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>

#include "hostd/vsock/device.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

class GuestDialer {
 public:
  GuestDialer() = default;
  GuestDialer(const GuestDialer&) = delete;
  GuestDialer& operator=(const GuestDialer&) = delete;
  virtual ~GuestDialer() = default;

  /// As vsock::Device::connect().
  virtual void connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
                       std::function<void(Result<void>)> done) = 0;
};

/// Dials through the device of whichever VMM runs now.
class DeviceDialer final : public GuestDialer {
 public:
  DeviceDialer(loop::Loop& loop, const std::unique_ptr<vsock::Device>& device)
      : loop_(loop), device_(device) {}

  void connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
               std::function<void(Result<void>)> done) override {
    if (device_ == nullptr) {
      return loop_.post([done] { done(Error{"cannot connect to the guest: no VMM is running", ENOTCONN}); });
    }
    device_->connect(port, std::move(host), std::move(preamble), std::move(done));
  }

 private:
  loop::Loop& loop_;
  const std::unique_ptr<vsock::Device>& device_;
};

}  // namespace kestrel::hostd
