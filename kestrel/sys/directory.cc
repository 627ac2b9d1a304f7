#include "kestrel/sys/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::sys {

namespace {

constexpr int removals_per_step = 256;

bool is_dots(std::string_view name) { return name == "." || name == ".."; }

}  // namespace

Result<std::optional<std::string>> DirectoryReader::next() {
  if (names_.empty()) {
    auto more = read_names();
    if (!more) return more.error();
    if (!*more) return std::optional<std::string>();
  }
  std::string name = std::move(names_.back());
  names_.pop_back();
  return std::optional(std::move(name));
}

Result<bool> DirectoryReader::read_names() {
  alignas(dirent64) std::array<char, 4096> buffer;
  while (names_.empty()) {
    const ssize_t size = ::getdents64(fd_.get(), buffer.data(), buffer.size());
    // A folder that was removed while it was read has no more entries.
    if (size < 0 && errno != ENOENT) return errno_error("cannot read the folder", errno);
    if (size <= 0) return false;
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      if (!is_dots(entry->d_name)) names_.emplace_back(entry->d_name);
      at += entry->d_reclen;
    }
  }
  return true;
}

// --- removal -----------------------------------------------------------------------------------------------

TreeRemoval::TreeRemoval(Place place, std::string path) : place_(std::move(place)), path_(std::move(path)) {}

Result<bool> TreeRemoval::step() {
  for (int i = 0; i < removals_per_step; ++i) {
    auto is_done = remove_next();
    if (!is_done || *is_done) return is_done;
  }
  return false;
}

/// Removes one entry, or goes into it; true: that was the last, the tree itself.
Result<bool> TreeRemoval::remove_next() {
  if (levels_.empty()) {
    if (::unlinkat(place_.folder.get(), place_.name.c_str(), 0) == 0) return true;
    if (errno != EISDIR) return cannot_remove(errno);
    if (auto entered = descend(place_.folder.get(), place_.name); !entered) return entered.error();
    return false;
  }
  Level& level = levels_.back();
  auto name = level.reader.next();
  if (!name) return cannot_remove(name.error().code);
  if (*name) {
    if (::unlinkat(level.reader.fd(), (*name)->c_str(), 0) == 0 || errno == ENOENT) return false;
    if (errno != EISDIR) return cannot_remove(errno);
    if (auto entered = descend(level.reader.fd(), **name); !entered) return entered.error();
    return false;
  }
  const std::string done = std::move(level.name);
  levels_.pop_back();
  const int above = levels_.empty() ? place_.folder.get() : levels_.back().reader.fd();
  if (::unlinkat(above, done.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) return cannot_remove(errno);
  return levels_.empty();
}

Result<void> TreeRemoval::descend(int folder, const std::string& name) {
  if (levels_.size() == deepest_tree) return cannot_remove(ENAMETOOLONG);
  UniqueFd below(::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!below.is_open()) return cannot_remove(errno);
  levels_.push_back({DirectoryReader(std::move(below)), name});
  return {};
}

Error TreeRemoval::cannot_remove(int code) const {
  return errno_error(concat("cannot remove ", printable(path_)), code);
}

}  // namespace kestrel::sys
