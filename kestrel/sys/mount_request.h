// Mounts as a person asks for them, in the words of mount(8) and fstab(5).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::sys {

struct MountRequest {
  /// A device below /dev, the name of a volume (the serial number of a disk), `LABEL=` and the label of a
  /// file system, a folder or file to bind, or whatever a file system without a device makes of it.
  std::string source;
  std::string target;  ///< made if missing
  std::string type;    ///< `bind` too; empty: whichever of the kernel's file systems recognises the device
  std::vector<std::string> options;
};

struct MountOptions {
  unsigned long flags = 0;  ///< MS_… of mount(2)
  std::string data;         ///< what is the file system's own, separated by commas
  bool is_bind = false;
  bool may_fail = false;  ///< `nofail`
  friend bool operator==(const MountOptions&, const MountOptions&) = default;
};
/// Each text may hold several options separated by commas; those that begin with `x-` are passed over.
[[nodiscard]] MountOptions parse_mount_options(const std::vector<std::string>& options);

/// The device whose serial number is `name`, from `sys_block`, normally /sys/block.
[[nodiscard]] std::optional<std::string> find_volume(const std::string& sys_block, const std::string& name);

/// Whether there is any disk, beside those that are files or memory.
[[nodiscard]] bool has_disk(const std::string& sys_block);

/// The types that need a device, from the text of /proc/filesystems, in its order.
[[nodiscard]] std::vector<std::string> device_file_systems(std::string_view proc_filesystems);

/// A device that is not there yet is waited for until `deadline`, and checked where its file system needs
/// that (file_system_check.h). Returns what is to be told about it; mostly that is nothing, and empty.
[[nodiscard]] Result<std::string> mount(const MountRequest& request, MonotonicTime deadline);

}  // namespace kestrel::sys
