#include "kestrel/sys/disk_head.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <memory>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

namespace {

constexpr std::size_t superblock = 1024;
constexpr std::size_t label_size = 16;

constexpr std::uint32_t ext_magic = 0xef53;
constexpr std::uint32_t ext_is_clean = 1;
constexpr std::uint32_t ext_has_errors = 2;
constexpr std::uint32_t erofs_magic = 0xe0f5e1e2;

/// The little-endian number of `size` bytes there.
std::uint32_t number(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i > 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[superblock + offset + i - 1]);
  return value;
}

/// Filled up with zeros.
std::string label(std::string_view bytes, std::size_t offset) {
  const std::string_view field = bytes.substr(superblock + offset, label_size);
  return std::string(field.substr(0, field.find('\0')));
}

}  // namespace

std::optional<DiskHead> parse_disk_head(std::string_view bytes) {
  if (bytes.size() < disk_head_size) return std::nullopt;
  if (number(bytes, 0x38, 2) == ext_magic) {
    const std::uint32_t state = number(bytes, 0x3a, 2);
    return DiskHead{.is_ext = true,
                    .label = label(bytes, 0x78),
                    .needs_check = (state & ext_is_clean) == 0 || (state & ext_has_errors) != 0};
  }
  if (number(bytes, 0, 4) == erofs_magic) return DiskHead{.label = label(bytes, 64)};
  return std::nullopt;
}

std::optional<DiskHead> read_disk_head(const std::string& device) {
  const UniqueFd disk(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
  std::string bytes(disk_head_size, '\0');
  if (!disk.is_open() || ::pread(disk.get(), bytes.data(), bytes.size(), 0) != ssize_t{disk_head_size})
    return std::nullopt;
  return parse_disk_head(bytes);
}

std::optional<std::string> find_label(const std::string& class_block, const std::string& dev,
                                      std::string_view label) {
  const std::unique_ptr<DIR, int (*)(DIR*)> disks(::opendir(class_block.c_str()), ::closedir);
  while (const dirent* disk = disks ? ::readdir(disks.get()) : nullptr) {
    if (disk->d_name[0] == '.') continue;
    std::string device = concat(dev, '/', disk->d_name);
    const auto head = read_disk_head(device);
    if (head && head->label == label) return device;
  }
  return std::nullopt;
}

}  // namespace kestrel::sys
