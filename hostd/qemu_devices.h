// The part of QEMU's command line that gives the guest its disks and its network card. Pure.
#pragma once

#include <string>
#include <vector>

#include "hostd/vm_disk.h"
#include "hostd/vm_network.h"
#include "kestrel/base/mac_address.h"

namespace kestrel::hostd {

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
