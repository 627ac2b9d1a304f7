// The way into the guest, as narrow as those who use it need it: published ports, api.sock, and the runner's
// own requests.
#pragma once

#include <cstdint>
#include <functional>

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

}  // namespace kestrel::hostd
