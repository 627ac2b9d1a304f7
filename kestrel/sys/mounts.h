// File systems: those every guest has from the first moment, and the orderly end of all of them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::sys {

enum class OnFailure { give_up, go_on };

/// One line of the table of early mounts.
struct EarlyMount {
  const char* type;
  const char* target;
  unsigned long flags;
  const char* options;
  OnFailure on_failure;  ///< give_up: without it no service can be run
};
[[nodiscard]] std::span<const EarlyMount> early_mounts();

/// Mounts the table below `root` ("" for the running system), with the folders it needs and the links that
/// programs expect in /dev (fd, stdin, stdout, stderr). A target that is a mount point already is left as it
/// is; so is a folder that holds files which are in memory anyway, as those of an initramfs image are: a
/// mount would only hide them. An error: one that is needed failed. Else the failures that can be lived with.
[[nodiscard]] Result<std::vector<Error>> mount_early(const std::string& root);

struct MountPoint {
  std::string target;
  std::string type;
  friend bool operator==(const MountPoint&, const MountPoint&) = default;
};
/// Reads /proc/self/mountinfo (proc(5)), in its order; lines that are none are passed over.
[[nodiscard]] std::vector<MountPoint> parse_mount_info(std::string_view text);

/// Below this folder are the file systems that an overlay is made of which is the root: it holds them to the
/// end.
inline constexpr std::string_view root_layers = "/run/kestrel/root";

/// What has to be taken down before the power goes, in that order: the reverse of how it was put up, without
/// what holds nothing that could be lost (the kernel's own file systems, and memory), and without the root
/// and its layers.
[[nodiscard]] std::vector<std::string> to_unmount(const std::vector<MountPoint>& mounts);

/// Unmounts all of that; what is still in use is made read-only, and so are the root and then its layers.
/// Returns what resisted both.
[[nodiscard]] std::vector<Error> unmount_all();

}  // namespace kestrel::sys
