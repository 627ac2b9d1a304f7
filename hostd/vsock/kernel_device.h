// The kernel's own vsock device (vhost_vsock), for one guest: the descriptor that QEMU is to inherit, with
// the guest's CID taken on it.
//
// The CID is the guest's as long as any copy of the descriptor is open. Whoever dials the CID keeps one, so
// that the number cannot become another guest's meanwhile; and closes it when the VMM has ended, for only
// then does the kernel reset the guest's connections.
#pragma once

#include <cstdint>
#include <functional>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock {

struct KernelDevice {
  sys::UniqueFd fd;
  std::uint32_t cid = 0;
};

/// An error where the kernel has no such device, or not for us.
[[nodiscard]] Result<KernelDevice> open_kernel_device();

/// Why the device cannot be used by this process; empty where it can.
[[nodiscard]] std::string find_kernel_device_problem();

/// The first that `take` takes, from `first` on: it returns 0, or an errno. EADDRINUSE leads to the next CID,
/// so many times that it is no accident.
[[nodiscard]] Result<std::uint32_t> take_cid(std::uint32_t first,
                                             const std::function<int(std::uint32_t)>& take);

/// Each runner begins with the CID of this number plus its process id: far from those that people give to VMs
/// of their own, and not soon another guest's after its own has ended.
inline constexpr std::uint32_t first_guest_cid = 0x40000000;
inline constexpr int most_cids_tried = 1024;

}  // namespace kestrel::hostd::vsock
