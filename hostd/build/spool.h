// A folder beside the output, for what a build has to put down in between; it goes with its owner. That of an
// owner who was killed is removed by the next one in the same place: it is locked (flock) as long as it is in
// use.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "hostd/images/archive_reader.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

class Spool {
 public:
  /// Within `parent`, which is there.
  [[nodiscard]] static Result<Spool> create(const std::string& parent);
  Spool(Spool&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)), count_(other.count_) {}
  Spool& operator=(Spool&&) = delete;
  ~Spool();

  [[nodiscard]] std::string path(std::string_view name) const;
  /// A new, empty folder of that name.
  [[nodiscard]] Result<std::string> make_folder(std::string_view name) const;
  /// The bytes of the member that the reader is at, as a file. Its path.
  [[nodiscard]] Result<std::string> keep(ArchiveReader& reader);

 private:
  Spool(std::string path, sys::UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  sys::UniqueFd lock_;
  unsigned count_ = 0;
};

}  // namespace kestrel::hostd
