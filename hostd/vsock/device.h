// The vsock device: a vhost-user backend that gives one VM a virtio socket device, with no kernel module and
// no root.
//
// Host side, Firecracker's hybrid convention: a client of the Unix socket `uds_path` writes `CONNECT
// <port>\n`, reads `OK <n>\n`, and is then joined to that port of the guest; a connection the guest opens to
// port P of the host (CID 2) goes to the Unix socket `<uds_path>_P`. Code in the same process joins a
// descriptor of its own with connect().
//
// One Device serves one VMM connection and shares its fate: QEMU never reconnects (VSOCK.md section 3).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"
#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock {

struct DeviceOptions {
  std::uint64_t cid = 3;  ///< the guest's; 0..2 are reserved
  std::string
      uds_path;  ///< empty: no Unix socket, connect() only, and guest-initiated connections are refused
  std::size_t max_connections = 1024;
};

/// What a Preamble makes of the bytes the guest has sent so far.
struct PreambleStep {
  enum class Verdict { more, join, refuse };
  Verdict verdict = Verdict::more;
  std::size_t consumed =
      0;               ///< join: bytes that were for the preamble; the rest belongs to the host descriptor
  std::string reason;  ///< refuse: why, for the caller
};

/// A short exchange with the guest that comes before the host descriptor is joined, e.g. an HTTP CONNECT to
/// the guest's API. It lets the device then move bytes between guest memory and that very descriptor, without
/// a relay in between.
struct Preamble {
  std::string to_guest;
  /// Called with everything received so far (at most 16 KiB, then it is refused), from inside the device: it
  /// may not destroy it.
  std::function<PreambleStep(std::string_view received)> on_reply;
};

struct DeviceStats {
  std::size_t connections = 0;
  std::uint64_t bytes_to_guest = 0;
  std::uint64_t bytes_to_host = 0;
  std::size_t buffered_bytes = 0;  ///< taken from the guest, not yet written to a host descriptor
};

class Device {
 public:
  /// Serves the vhost-user protocol on `vmm`, a connected Unix stream socket whose other end is QEMU's
  /// chardev. `on_end` is called once, from the loop: nullptr when the VMM closed its end, else why the
  /// device cannot go on.
  [[nodiscard]] static Result<std::unique_ptr<Device>> create(loop::Loop& loop, DeviceOptions options,
                                                              sys::UniqueFd vmm,
                                                              std::function<void(const Error*)> on_end);
  /// Closes everything; nothing is called any more, not even the `done` of a connect() that is under way.
  ~Device();

  /// Joins `host` (any stream socket) to `port` of the guest, after `preamble` if it has one. `done` is
  /// called once, from the loop; on failure `host` has been closed. Fails with ENOTCONN before the guest's
  /// driver is up.
  void connect(std::uint32_t port, sys::UniqueFd host, Preamble preamble,
               std::function<void(Result<void>)> done);

  /// Whether the guest's driver has set up its rings.
  [[nodiscard]] bool is_driver_up() const;
  /// Called whenever is_driver_up() changes.
  void on_driver_change(std::function<void(bool is_up)> callback);

  [[nodiscard]] DeviceStats stats() const;

 private:
  struct Impl;
  explicit Device(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kestrel::hostd::vsock
