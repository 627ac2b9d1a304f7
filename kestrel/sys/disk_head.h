// What the first bytes of a disk say about the file system on it.
//
// The layouts are the kernel's: Documentation/filesystems/ext4/super.rst, fs/erofs/erofs_fs.h. Both have
// their superblock 1024 bytes behind the beginning.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kestrel::sys {

struct DiskHead {
  bool is_ext = false;  ///< ext2, ext3 or ext4
  std::string label;
  /// It was in use without a journal when its machine ended, or the kernel has found errors in it. What a
  /// journal has to be replayed for does not count: mounting does that.
  bool needs_check = false;
  friend bool operator==(const DiskHead&, const DiskHead&) = default;
};

/// As much of a disk as parse_disk_head() wants to see.
inline constexpr std::size_t disk_head_size = 2048;

/// nullopt: neither of the file systems that are known here. squashfs has no label and nothing to check.
[[nodiscard]] std::optional<DiskHead> parse_disk_head(std::string_view bytes);
[[nodiscard]] std::optional<DiskHead> read_disk_head(const std::string& device);

/// The device, a disk or a part of one, whose file system has this label. The folders are normally
/// /sys/class/block and /dev.
[[nodiscard]] std::optional<std::string> find_label(const std::string& class_block, const std::string& dev,
                                                    std::string_view label);

}  // namespace kestrel::sys
