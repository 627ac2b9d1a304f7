// The files of an image that is being built: a value, whose bytes are elsewhere until it is packed.
//
// Paths have no slash before or behind them. Symlinks on the way to an entry are followed within the tree, so
// nothing that an image's files say leads out into the host. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct TreeEntry {
  enum class Kind { file, folder, symlink, character_device, block_device, fifo };
  Kind kind = Kind::file;
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string link;     ///< a symlink's target
  std::string source;   ///< a file on this host that has a file's bytes; empty: they are `content`
  std::string content;  ///< a file's bytes
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  friend bool operator==(const TreeEntry&, const TreeEntry&) = default;
};

[[nodiscard]] TreeEntry file_from(std::string source, std::uint32_t mode);
[[nodiscard]] TreeEntry file_of(std::string content, std::uint32_t mode);
[[nodiscard]] TreeEntry folder_of(std::uint32_t mode);
[[nodiscard]] TreeEntry symlink_to(std::string target);

class Tree {
 public:
  /// Puts an entry there, in place of what was there before with all that is below it. Only a folder that
  /// meets a folder, or a symlink to one, leaves what is in it alone, and the symlink, too. Missing folders
  /// are made. Errors: a `..` in the path, a file where a folder should be, symlinks that go round in
  /// circles.
  [[nodiscard]] Result<void> add(std::string_view path, TreeEntry entry);
  /// The folder there, made where it is missing.
  [[nodiscard]] Result<void> add_folder(std::string_view path, std::uint32_t mode);
  /// The entry, and all that is below it.
  void remove(std::string_view path);
  /// What is in that folder.
  void clear(std::string_view path);

  /// What is there, at the end of all symlinks; nullptr: nothing is.
  [[nodiscard]] const TreeEntry* find(std::string_view path) const;
  /// In byte order, so that a folder comes before what is in it.
  [[nodiscard]] const std::map<std::string, TreeEntry>& entries() const { return entries_; }

 private:
  enum class LastLink { follow, keep };
  [[nodiscard]] Result<std::string> resolve(std::string_view path, LastLink last) const;
  [[nodiscard]] Result<void> make_parents(const std::string& path);

  std::map<std::string, TreeEntry> entries_;
};

}  // namespace kestrel::hostd
