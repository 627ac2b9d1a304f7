// The files of a VM's disks, open and locked.
//
// QEMU inherits the descriptors, and with them the locks (flock), which so end when both the runner and QEMU
// have ended: no second VM can get at a disk that a dying QEMU still writes.
#pragma once

#include <vector>

#include "hostd/qemu_devices.h"
#include "hostd/vm_disk.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

struct OpenDisk {
  sys::UniqueFd file;
  sys::UniqueFd base;  ///< not open where there is none
};

/// Any number of VMs may read a file, or one write it. Error code EBUSY: others are using it.
[[nodiscard]] Result<OpenDisk> open_disk(const Disk& disk);
[[nodiscard]] Result<std::vector<OpenDisk>> open_disks(const std::vector<Disk>& disks);

/// Their numbers in this process.
[[nodiscard]] std::vector<DiskFds> fds_of(const std::vector<OpenDisk>& disks);

}  // namespace kestrel::hostd
