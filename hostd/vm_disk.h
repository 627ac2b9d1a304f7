// A disk of a VM: a file here that is a block device in the guest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

enum class DiskFormat { raw, qcow2 };
[[nodiscard]] std::string_view name_of(DiskFormat format);
[[nodiscard]] Result<DiskFormat> parse_disk_format(std::string_view text);

struct DiskFile {
  std::string path;  ///< absolute; empty, of an overlay: a file without a name, which goes with the VM
  DiskFormat format = DiskFormat::raw;
  friend bool operator==(const DiskFile&, const DiskFile&) = default;
};

struct Disk {
  DiskFile file;
  bool is_read_only = false;
  /// What the guest knows it by (`root=`, a mount's `source`): /sys/block/*/serial. Empty: none.
  std::string serial;
  /// What a qcow2 overlay lies on; it is only read, and several VMs may do so at once. The name that the
  /// overlay has in itself counts for nothing. An overlay that is not there yet is made. Unset: the file
  /// stands for itself.
  std::optional<DiskFile> base;
  friend bool operator==(const Disk&, const Disk&) = default;
};

/// A serial is a plain name (plain_name.h). VIRTIO_BLK_ID_BYTES of linux/virtio_blk.h: a longer one would be
/// cut.
inline constexpr std::size_t longest_serial = 20;
/// microvm has places for 24 virtio devices (QEMU's hw/i386/microvm.c), which others need, too.
inline constexpr std::size_t most_disks = 16;

/// Everything that is wrong with them, one line each.
[[nodiscard]] std::vector<std::string> problems_of(const std::vector<Disk>& disks);

}  // namespace kestrel::hostd
