// A folder as the place where paths begin, and how far they may lead from there.
//
// Confinement is the kernel's work (openat2(2), Linux 5.6): it checks every step of a path while it walks it,
// so neither `..` nor a symlink that somebody swaps in at the right moment leads out. Without openat2 a
// confined folder opens nothing, rather than something else.
//
// What is made or removed is named by its folder's descriptor and one last part, which no call that follows
// resolves again.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

enum class Reach {
  anywhere,        ///< as open(2): absolute paths, `..` and symlinks lead where they lead
  as_root,         ///< the folder is `/` of every path and symlink, as after chroot(2) (RESOLVE_IN_ROOT)
  below,           ///< a path that leads out is an error, EXDEV (RESOLVE_BENEATH)
  below_unlinked,  ///< as below, and a symlink on the way is an error, ELOOP (RESOLVE_NO_SYMLINKS)
};

/// An entry: the folder it stands in (O_PATH), and its name there: one part, neither `.` nor `..`.
struct Place {
  UniqueFd folder;
  std::string name;
};

/// What a path has as its last part; empty for `/`, and for paths that end in `.` or `..`.
[[nodiscard]] std::string_view last_part(std::string_view path);

class Folder {
 public:
  /// `path` is resolved without confinement.
  [[nodiscard]] static Result<Folder> open(const std::string& path, Reach reach);
  Folder(UniqueFd folder, Reach reach) : fd_(std::move(folder)), reach_(reach) {}

  /// openat(2); O_CLOEXEC and O_NOCTTY are added. Errors read `cannot open PATH: <cause>`.
  [[nodiscard]] Result<UniqueFd> open(std::string_view path, int flags) const;
  /// Where the last part of `path` stands or would stand. EINVAL where it has none.
  [[nodiscard]] Result<Place> find_place(std::string_view path) const;
  /// The same; what is missing of the folders before it is made, with mode 0755.
  [[nodiscard]] Result<Place> make_place(std::string_view path) const;
  /// The folder there (O_PATH), made where it is missing, with all that is missing before it.
  [[nodiscard]] Result<UniqueFd> make_folder(std::string_view path) const;

 private:
  [[nodiscard]] int open_once(const std::string& path, int flags) const;
  [[nodiscard]] Result<Place> split(std::string_view path) const;

  UniqueFd fd_;
  Reach reach_;
};

}  // namespace kestrel::sys
