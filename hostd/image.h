// An image: what a VM is booted from. A folder with a manifest.json,
//
//   {"name": …, "kernel": "vmlinuz", "initramfs": "initramfs.cpio.zst", "resources": {"vcpu": 1, "memory_mb":
//   128},
//    "workload": {"port": 8080}, "env": {"KEY": "value"}, "rootfs": "rootfs.qcow2", "rootfs_format": "qcow2",
//    "rootfs_type": "ext4", "console": "hvc0"}
//
// whose paths are relative to the folder and of which only `initramfs` must be there; or a bare initramfs
// file. Where there is a `rootfs`, the initramfs only mounts it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hostd/vm_disk.h"
#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct Image {
  std::string name;       ///< the manifest's, else the folder's or file's
  std::string initramfs;  ///< absolute path
  std::string kernel;     ///< absolute path; empty where the image brings none
  std::optional<unsigned> cpus;
  std::optional<Bytes> memory;
  std::optional<std::uint16_t> port;  ///< where its workload listens
  std::map<std::string, std::string> env;
  /// The disk that its files are on; unset: they are in the initramfs.
  std::optional<DiskFile> rootfs;
  bool is_rootfs_read_only = false;  ///< it can only be read, by its nature (erofs, squashfs)
  bool has_virtio_console = false;   ///< its kernel has the console hvc0 from the beginning, without a module
  friend bool operator==(const Image&, const Image&) = default;
};

/// What a manifest's `console` says of a kernel that has it built in.
inline constexpr std::string_view virtio_console = "hvc0";

/// Pure: the manifest of the image in `folder` (an absolute path).
[[nodiscard]] Result<Image> parse_manifest(std::string_view json, const std::string& folder);

/// What a file is, by its first bytes.
[[nodiscard]] bool is_initramfs(std::string_view head);
[[nodiscard]] bool is_kernel(std::string_view head);
/// As much of a file as these two want to see.
inline constexpr std::size_t head_size = 1024;

/// Reads the manifest of a folder, or takes a bare initramfs, and checks that the files are what they should
/// be.
[[nodiscard]] Result<Image> read_image(const std::string& path);

/// The kernel to boot: `explicit_path`, else the image's, else `fallback` (KESTREL_KERNEL); checked to be
/// one.
[[nodiscard]] Result<std::string> choose_kernel(const std::string& explicit_path, const Image& image,
                                                const std::string& fallback);

}  // namespace kestrel::hostd
