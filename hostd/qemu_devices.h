// The part of QEMU's command line that gives the guest its devices: vsock, disks, a network card. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hostd/vm_disk.h"
#include "hostd/vm_network.h"
#include "kestrel/base/mac_address.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

/// How QEMU comes by the guest's vsock device.
struct VsockFacts {
  /// Inherited: the kernel's device itself, or QEMU's end of a socket that leads to ours (vhost-user).
  int fd = -1;
  std::optional<std::uint32_t> kernel_cid;     ///< the guest's, which has been taken on the kernel's device
  std::uint32_t link_port = wire::vsock_port;  ///< where the guest finds its host
};
[[nodiscard]] std::vector<std::string> vsock_options(const VsockFacts& vsock);

/// The open files of a disk, under the numbers that QEMU inherits them by; -1: there is none.
struct DiskFds {
  int file = -1;
  int base = -1;
  friend bool operator==(DiskFds, DiskFds) = default;
};

/// `fds` belong to the disks one by one.
[[nodiscard]] std::vector<std::string> disk_options(const std::vector<Disk>& disks,
                                                    const std::vector<DiskFds>& fds);

/// Of a card on a bridge.
struct CardFacts {
  int tap_fd = -1;
  MacAddress mac{};
};
[[nodiscard]] std::vector<std::string> network_options(const NetworkSpec& network, const CardFacts& card);

}  // namespace kestrel::hostd
