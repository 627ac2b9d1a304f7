// A disk of the guest that fails on the host, as QEMU tells it.
//
// Where the host's file system is full QEMU lets the guest stand still, rather than that it loses what it
// writes (virtio-blk's `werror=enospc`, the default): when there is room again it can go on as if nothing
// had been. Of any other error the guest is told itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/vm_disk.h"

namespace kestrel::hostd {

struct DiskError {
  std::string disk;  ///< its serial; without one the name of its file
  std::string reason;
  friend bool operator==(const DiskError&, const DiskError&) = default;
};

/// Of the data of QMP's BLOCK_IO_ERROR; nullopt where the guest goes on. `disks` are those of disk_options().
[[nodiscard]] std::optional<DiskError> find_disk_error(std::string_view data, const std::vector<Disk>& disks);

[[nodiscard]] std::string to_json(const DiskError& error);

}  // namespace kestrel::hostd
