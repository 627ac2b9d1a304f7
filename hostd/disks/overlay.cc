#include "hostd/disks/overlay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "hostd/state_dir.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view magic = "QFI\xfb";
constexpr std::uint32_t cluster_bits = 16;
constexpr std::uint64_t cluster = std::uint64_t{1} << cluster_bits;
constexpr std::size_t size_offset = 24;
constexpr std::size_t header_length = 104;  // of version 3

// The first clusters, in this order: header, table of reference counts, its one block, table of level 1.
constexpr std::uint64_t refcount_table = cluster;
constexpr std::uint64_t refcount_block = 2 * cluster;
constexpr std::uint64_t level1_table = 3 * cluster;
constexpr unsigned clusters = 4;
/// What an entry of the table of level 1 stands for: a table of level 2, of one cluster.
constexpr std::uint64_t bytes_per_entry = cluster / 8 * cluster;
constexpr std::uint64_t most_entries = cluster / 8;

/// Numbers are big-endian.
template <typename Number>
void put(std::string& bytes, std::size_t offset, Number number) {
  for (std::size_t i = sizeof number; i-- > 0; number = static_cast<Number>(number >> 8))
    bytes[offset + i] = static_cast<char>(number & 0xff);
}

std::string header_for(std::uint64_t size, std::uint32_t entries) {
  std::string header(header_length, '\0');
  header.replace(0, magic.size(), magic);
  put<std::uint32_t>(header, 4, 3);  // version
  put<std::uint32_t>(header, 20, cluster_bits);
  put<std::uint64_t>(header, size_offset, size);
  put<std::uint32_t>(header, 36, entries);
  put<std::uint64_t>(header, 40, level1_table);
  put<std::uint64_t>(header, 48, refcount_table);
  put<std::uint32_t>(header, 56, 1);  // clusters of that table
  put<std::uint32_t>(header, 96, 4);  // a count has 2^4 bits
  put<std::uint32_t>(header, 100, header_length);
  return header;
}

bool write_at(int file, std::uint64_t offset, std::string_view bytes) {
  return ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
         static_cast<ssize_t>(bytes.size());
}

}  // namespace

Result<Bytes> virtual_size(int file, DiskFormat format, const std::string& path) {
  if (format == DiskFormat::raw) {
    // Block devices have no size but this.
    const off_t end = ::lseek(file, 0, SEEK_END);
    if (end < 0) return errno_error(concat("cannot read disk ", path), errno);
    return Bytes{static_cast<std::uint64_t>(end)};
  }
  std::array<char, size_offset + 8> head{};
  if (::pread(file, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()) ||
      !std::string_view(head.data(), head.size()).starts_with(magic))
    return Error{concat("cannot use disk ", path, ": it is no qcow2 file")};
  Bytes size;
  for (std::size_t i = size_offset; i < head.size(); ++i)
    size.count = size.count << 8 | static_cast<unsigned char>(head[i]);
  return size;
}

Result<void> write_overlay(int file, Bytes size) {
  const std::uint64_t entries =
      std::max<std::uint64_t>(1, (size.count + bytes_per_entry - 1) / bytes_per_entry);
  if (entries > most_entries) return Error{concat("cannot lay a disk over one of ", format_bytes(size))};
  std::string table(8, '\0');
  put<std::uint64_t>(table, 0, refcount_block);
  std::string counts(std::size_t{2} * clusters, '\0');
  for (unsigned i = 0; i < clusters; ++i) put<std::uint16_t>(counts, std::size_t{2} * i, 1);
  const bool is_written = ::ftruncate(file, static_cast<off_t>(clusters * cluster)) == 0 &&
                          write_at(file, refcount_table, table) && write_at(file, refcount_block, counts) &&
                          write_at(file, 0, header_for(size.count, static_cast<std::uint32_t>(entries)));
  if (!is_written) return errno_error("cannot write a disk's overlay", errno);
  return {};
}

void keep_overlays(std::vector<Disk>& disks, const std::string& folder, const std::string& vm,
                   const std::string& blobs) {
  for (Disk& disk : disks) {
    if (!disk.base || !disk.file.path.empty() || !disk.base->path.starts_with(blobs)) continue;
    disk.file.path = concat(folder, '/', vm, disk.base->path.substr(disk.base->path.rfind('/')), ".qcow2");
  }
}

void remove_overlays(const std::string& folder, const std::string& vm) {
  std::error_code failed;
  std::filesystem::remove_all(concat(folder, '/', vm), failed);
}

std::string overlays_dir() { return concat(state_dir(), "/overlays"); }

Result<sys::UniqueFd> open_unnamed_file(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return errno_error(concat("cannot make the folder ", folder), failed.value());
  sys::UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.is_open() || (errno != EOPNOTSUPP && errno != EISDIR)) {
    if (!file.is_open()) return errno_error(concat("cannot create a file in ", folder), errno);
    return file;
  }
  // A file system that cannot do that: the name is gone again at once.
  std::string path = concat(folder, "/unnamed-XXXXXX");
  file.reset(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.is_open()) return errno_error(concat("cannot create a file in ", folder), errno);
  ::unlink(path.c_str());
  return file;
}

}  // namespace kestrel::hostd
