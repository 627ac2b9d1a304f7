// Archives that are the same to the byte whenever the same is put into them: no names of users, no inode
// numbers, no time but the one given.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hostd/images/archive_reader.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

enum class ArchiveForm {
  initramfs_zstd,  ///< cpio as the kernel unpacks it
                   ///< (Documentation/driver-api/early-userspace/buffer-format.rst)
  initramfs_gzip,
  tar_gzip,
};

class ArchiveWriter {
 public:
  [[nodiscard]] static Result<ArchiveWriter> create(const std::string& path, ArchiveForm form);
  ArchiveWriter(ArchiveWriter&&) noexcept = default;

  /// A member; of a file exactly `size` bytes follow.
  [[nodiscard]] Result<void> add(const ArchiveMember& member);
  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// A file with the bytes of one here; `member` has its size.
  [[nodiscard]] Result<void> add_file(const ArchiveMember& member, const std::string& source);
  /// Nothing may follow.
  [[nodiscard]] Result<void> finish();

 private:
  struct Close {
    void operator()(archive* handle) const;
  };
  ArchiveWriter(std::string path, std::unique_ptr<archive, Close> handle);
  [[nodiscard]] Error cannot_write() const;

  std::string path_;
  std::unique_ptr<archive, Close> handle_;
  std::int64_t members_ = 0;
};

}  // namespace kestrel::hostd
