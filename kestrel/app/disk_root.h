// A guest whose root is on a disk. Its kernel boots into an initramfs with kestrel as the first stage, which
// loads modules, waits for the disk, mounts it and goes on there as the second stage.
#pragma once

#include <optional>
#include <string>

#include "kestrel/sys/kernel_command_line.h"
#include "kestrel/sys/mount_request.h"

namespace kestrel::app {

struct DiskRoot {
  sys::MountRequest mount;
  /// Where what the guest writes goes, over a disk that is only read: to a volume (or another source of a
  /// mount), or, where this is empty, to memory. Unset: to the disk, if it takes that.
  std::optional<std::string> overlay;
  bool waits_for_ever = false;
};

/// What the kernel's parameters ask for, by its own names (kernel-parameters.txt): `root=` a device, the
/// serial number of a disk, or `LABEL=` and a file system's label; `rootfstype=`, `rootflags=`, `rootwait`,
/// and `rw`, without which it is read-only. `kestrel.overlay[=VOLUME]` is ours. nullopt without `root=`.
[[nodiscard]] std::optional<DiskRoot> disk_root_of(const sys::KernelParameters& parameters);

/// Goes there, and does not return, if the parameters ask for it and we are in an initramfs. An error: it
/// cannot be done, and we still are where we were.
[[nodiscard]] Result<void> enter_disk_root(const sys::KernelParameters& parameters);

}  // namespace kestrel::app
