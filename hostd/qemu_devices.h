// The part of QEMU's command line that gives the guest its disks. Pure.
#pragma once

#include <string>
#include <vector>

#include "hostd/vm_disk.h"

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

}  // namespace kestrel::hostd
