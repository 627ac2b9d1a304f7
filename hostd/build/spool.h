// A folder beside the output, for what a build has to put down in between; it goes with its owner.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "hostd/images/archive_reader.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

class Spool {
 public:
  /// Within `parent`, which is there.
  [[nodiscard]] static Result<Spool> create(const std::string& parent);
  Spool(Spool&& other) noexcept : path_(std::exchange(other.path_, {})), count_(other.count_) {}
  Spool& operator=(Spool&&) = delete;
  ~Spool();

  [[nodiscard]] std::string path(std::string_view name) const;
  /// A new, empty folder of that name.
  [[nodiscard]] Result<std::string> make_folder(std::string_view name) const;
  /// The bytes of the member that the reader is at, as a file. Its path.
  [[nodiscard]] Result<std::string> keep(ArchiveReader& reader);

 private:
  explicit Spool(std::string path) : path_(std::move(path)) {}

  std::string path_;
  unsigned count_ = 0;
};

}  // namespace kestrel::hostd
