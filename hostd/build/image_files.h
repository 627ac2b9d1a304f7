// What is in an image beside its own files: kestrel, its configuration, kernel modules, empty folders.
#pragma once

#include <optional>
#include <string>

#include "hostd/build/build_image.h"
#include "hostd/build/build_plan.h"
#include "hostd/build/oci_layout.h"
#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

inline constexpr std::string_view config_place = "etc/kestrel/config.yaml";

/// kestrel as /init, and as a command for whoever is in the guest.
[[nodiscard]] Result<void> add_init(Tree& tree, const Workshop& workshop);
/// Where this host has e2fsck as one static file (Debian's e2fsck-static), for the first stage, which mends a
/// root and a volume below it that were not ended in order.
[[nodiscard]] Result<void> add_file_system_check(Tree& tree);
/// What kestrel mounts on, and /tmp.
[[nodiscard]] Result<void> add_mount_points(Tree& tree);
/// The plan's configuration, else that of the files, else one that is made of what `process` or the plan
/// would start. An error where there is none, or two.
[[nodiscard]] Result<void> add_config(Tree& tree, const BuildPlan& plan,
                                      const std::optional<OciProcess>& process);

/// A configuration with one service. JSON, which is YAML, too. Pure.
[[nodiscard]] std::string config_for(const std::string& name, const OciProcess& process);

/// The image's manifest.json, but for its checksums. Pure.
struct ManifestFiles {
  std::string initramfs;            ///< name of a file
  std::string rootfs;               ///< empty: it has none
  bool has_virtio_console = false;  ///< the kernel, without a module
  std::map<std::string, std::string> digests;
};
[[nodiscard]] std::string make_manifest(const BuildPlan& plan, const ManifestFiles& files,
                                        std::string_view kestrel_version);

}  // namespace kestrel::hostd
