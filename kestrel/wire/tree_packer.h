// A file or a tree, packed into a tar archive piece by piece: the reading end of copies, in the guest's API
// as on the host. With its opposite, tree_unpacker, one of the few files of wire/ that do I/O.
//
// Symlinks are packed as such. What cannot be read is left out, or goes on as zeros where it is too late for
// that, and is told; what is removed while it is read is no problem. Sockets are passed over, as tar does.
// Hard links become files of their own: to know them again would take memory for each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/sys/directory.h"
#include "kestrel/sys/folder.h"
#include "kestrel/sys/new_entry.h"
#include "kestrel/wire/tar.h"

namespace kestrel::wire {

struct PackOptions {
  std::string top;                  ///< the archive's name for what is packed; `.` for its contents alone
  std::optional<sys::Owner> owner;  ///< of everything; unset: as it is
};

class TreePacker {
 public:
  /// `path` is resolved in `folder`; messages use it as it is. A symlink there is followed if `follows`.
  [[nodiscard]] static Result<TreePacker> open(const sys::Folder& folder, const std::string& path,
                                               bool follows, PackOptions options);

  /// Appends some tens of KiB at most; false: that was all, and tar_end() is missing yet.
  [[nodiscard]] bool produce(std::string& out);
  /// Something else may go into the archive here.
  [[nodiscard]] bool is_between_members() const { return !file_.is_open(); }
  /// What went wrong since the last call, each `cannot read PATH: <cause>`.
  [[nodiscard]] std::vector<std::string> take_problems() { return std::exchange(problems_, {}); }
  /// Of file contents, so far.
  [[nodiscard]] Bytes packed() const { return packed_; }
  /// Of the top where it is a file.
  [[nodiscard]] std::optional<Bytes> expected() const { return expected_; }

 private:
  struct Level {
    sys::DirectoryReader reader;
    std::size_t name_length;  ///< of `name_`, without what this level appends
    std::size_t path_length;
  };
  struct Source;

  TreePacker(std::string path, PackOptions options);
  void add(std::string& out, Source source);
  void add_content(std::string& out, TarMember member, Source& source);
  void add_data(std::string& out);
  void next_entry(std::string& out);
  void add_problem(int code);

  PackOptions options_;
  std::string path_;   ///< of the entry at hand, for messages
  std::string name_;   ///< the archive's
  std::string first_;  ///< the top's header
  std::vector<Level> levels_;
  sys::UniqueFd file_;      ///< being packed
  std::uint64_t left_ = 0;  ///< of its announced size
  std::size_t padding_ = 0;
  bool has_failed_ = false;  ///< nothing more can be read of it
  std::vector<std::string> problems_;
  Bytes packed_;
  std::optional<Bytes> expected_;
};

}  // namespace kestrel::wire
