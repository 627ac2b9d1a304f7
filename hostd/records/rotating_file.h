// A file that is written for ever and never grows beyond its limits: when it is full it becomes NAME.1 (and
// NAME.1 becomes NAME.2, …), the oldest is removed, and a new one begins. What one append() writes stays in
// one file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hostd/vm_spec.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

class RotatingFile {
 public:
  RotatingFile() = default;
  /// Appends to what is there already.
  [[nodiscard]] static Result<RotatingFile> open(std::string path, LogLimits limits);

  /// An error (a full disk) loses what was to be written; the next append tries afresh.
  [[nodiscard]] Result<void> append(std::string_view bytes);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] Result<void> rotate();
  [[nodiscard]] Result<void> reopen();

  std::string path_;
  LogLimits limits_;
  sys::UniqueFd file_;
  std::uint64_t size_ = 0;
};

/// Cuts off what stands behind the last newline.
void drop_torn_line(const std::string& path);

/// NAME.1 and so on; `age` 0 is NAME itself.
[[nodiscard]] std::string rotated_path(const std::string& path, unsigned age);
/// The files of a rotated one that exist, oldest first.
[[nodiscard]] std::vector<std::string> existing_files(const std::string& path, unsigned most);

}  // namespace kestrel::hostd
