// A tar archive, unpacked into a folder while it comes: the writing end of copies, in the guest's API as on
// the host. Whoever made the archive is not trusted.
//
// No member gets out of the folder: absolute names and `..` are refused before anything is asked of the
// kernel, and the kernel refuses symlinks that lead out, whether the archive brought them or they were there
// (sys/folder.h). A hard link leads to a member of the folder only. Devices and named pipes are refused
// unless asked for. A file appears when it is complete and replaces what had its name; folders that were
// there keep their mode and owner, and nothing replaces a folder. What a symlink points to is not looked at:
// it is data.
//
// The first error ends it. What was unpacked before stays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/sys/folder.h"
#include "kestrel/sys/new_entry.h"
#include "kestrel/wire/tar.h"

namespace kestrel::wire {

struct UnpackOptions {
  enum class Ownership {
    archive,  ///< the archive's numbers
    fixed,    ///< `owner`
    caller,   ///< whoever unpacks
  };
  Ownership ownership = Ownership::archive;
  sys::Owner owner = {};
  bool takes_devices = false;
  /// Without, setuid and setgid bits are dropped.
  bool keeps_special_bits = true;
  /// Members are this one or below it; empty: any.
  std::string only = {};
};

/// A member's name as a path below the folder: without leading `./`, empty parts and a slash at its end;
/// empty for the folder itself. EXDEV for one that is absolute or has a `..`, EINVAL for one that is empty or
/// has a NUL.
[[nodiscard]] Result<std::string> member_path(std::string_view name);

class TreeUnpacker {
 public:
  /// `folder` reaches below itself at most. `path` is what messages call it.
  TreeUnpacker(sys::Folder folder, std::string path, UnpackOptions options);

  /// The next bytes of the archive.
  [[nodiscard]] Result<void> take(std::string_view bytes);
  /// It is over. An error where it was cut off.
  [[nodiscard]] Result<void> finish();

  /// So far.
  [[nodiscard]] std::uint64_t members() const { return members_; }
  /// Of file contents, so far.
  [[nodiscard]] Bytes unpacked() const { return unpacked_; }
  /// What the packer says of what is not in the archive, since the last call.
  [[nodiscard]] std::vector<std::string> take_problems() { return std::exchange(problems_, {}); }

 private:
  struct MadeFolder {
    std::string name;
    sys::Attributes attributes;
  };
  struct File {
    sys::NewFile file;
    sys::Attributes attributes;
    std::uint64_t left;
  };

  [[nodiscard]] Result<void> begin_member(const TarMember& member);
  [[nodiscard]] Result<void> write_data(std::string_view bytes);
  [[nodiscard]] Result<void> finish_file();
  [[nodiscard]] Result<void> make_folder(const TarMember& member, const std::string& name);
  [[nodiscard]] Result<void> make_link(const TarMember& member, const std::string& name);
  [[nodiscard]] Result<void> make_special(const TarMember& member, const std::string& name);
  [[nodiscard]] Result<void> leave_folders(std::string_view next);
  [[nodiscard]] Result<sys::Place> place_of(const std::string& name) const;
  [[nodiscard]] sys::Attributes attributes_of(const TarMember& member) const;
  [[nodiscard]] std::string path_of(std::string_view name) const;

  sys::Folder folder_;
  std::string path_;
  UnpackOptions options_;
  TarReader reader_;
  std::optional<File> file_;
  /// Folders that were made and are above the member at hand: they get their mode and time when they are
  /// left, for a read-only one takes no members, and every member changes the time.
  std::vector<MadeFolder> made_;
  std::uint64_t members_ = 0;
  Bytes unpacked_;
  std::vector<std::string> problems_;
};

}  // namespace kestrel::wire
