// The names in a folder, and taking a folder away with all that is in it: both in steps, so that a folder of
// a million entries neither fills the memory nor holds up a loop.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/folder.h"

namespace kestrel::sys {

/// Folders below each other that are held open at once, in any walk; deeper trees are an error.
inline constexpr std::size_t deepest_tree = 256;

class DirectoryReader {
 public:
  /// A folder opened for reading.
  explicit DirectoryReader(UniqueFd folder) : fd_(std::move(folder)) {}

  /// The next name, in the file system's order and without `.` and `..`; nullopt at the end.
  [[nodiscard]] Result<std::optional<std::string>> next();
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  [[nodiscard]] Result<bool> read_names();

  UniqueFd fd_;
  std::vector<std::string> names_;  ///< of one read, last first
};

/// Removes an entry and everything below it; symlinks are removed, not followed.
class TreeRemoval {
 public:
  TreeRemoval(Place place, std::string path);

  /// Removes some more; true when nothing is left. After an error what has not been removed is still there.
  [[nodiscard]] Result<bool> step();

 private:
  struct Level {
    DirectoryReader reader;
    std::string name;  ///< in the level above
  };
  [[nodiscard]] Result<bool> remove_next();
  [[nodiscard]] Result<void> descend(int folder, const std::string& name);
  [[nodiscard]] Error cannot_remove(int code) const;

  Place place_;
  std::string path_;  ///< for messages
  std::vector<Level> levels_;
};

}  // namespace kestrel::sys
