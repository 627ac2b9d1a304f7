// Archives as they come: tar in its dialects and cpio, plain or compressed by gzip, zstd, xz or bzip2, told
// by their content.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"

struct archive;

namespace kestrel::hostd {

struct ArchiveMember {
  enum class Kind { file, folder, symlink, hard_link, character_device, block_device, fifo, other };
  Kind kind = Kind::file;
  std::string name;  ///< without `./` before it and `/` behind it; `.` for the top
  std::string link;  ///< what a link points to; a hard link's is a name as above
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::int64_t mtime = 0;
  std::uint64_t size = 0;
};

class ArchiveReader {
 public:
  [[nodiscard]] static Result<ArchiveReader> open(const std::string& path);
  ArchiveReader(ArchiveReader&&) noexcept = default;
  ~ArchiveReader() = default;

  /// The next member; nullopt at the end. What was not read of the one before is passed over.
  [[nodiscard]] Result<std::optional<ArchiveMember>> next();
  /// The next bytes of the member, valid until the next call; empty at its end.
  [[nodiscard]] Result<std::string_view> read();

 private:
  struct Close {
    void operator()(archive* handle) const;
  };
  ArchiveReader(std::string path, std::unique_ptr<archive, Close> handle);
  [[nodiscard]] Error cannot_read() const;

  std::string path_;
  std::unique_ptr<archive, Close> handle_;
  std::string buffer_;
};

}  // namespace kestrel::hostd
