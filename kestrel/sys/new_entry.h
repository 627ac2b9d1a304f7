// Entries of a folder that come into being all at once: made under a temporary name in the same folder, and
// renamed when they are complete. Whoever looks sees the old one or the new one, never a part; what is given
// up leaves nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/folder.h"

namespace kestrel::sys {

struct Owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  friend bool operator==(const Owner&, const Owner&) = default;
};

struct Attributes {
  std::uint32_t mode = 0644;          ///< permissions, setuid, setgid and sticky bit
  std::optional<Owner> owner;         ///< unset: whoever makes it
  std::optional<std::int64_t> mtime;  ///< seconds since 1970; unset: now
};

/// To an open file or folder, which messages call `path`. The umask does not count.
[[nodiscard]] Result<void> apply(const Attributes& attributes, int fd, std::string_view path);

/// Whether the disk has to have it before it is said to be there.
enum class Durability { synced, lazy };

class NewFile {
 public:
  /// `path` is what messages call it. An existing file of that name is replaced, a symlink, too.
  [[nodiscard]] static Result<NewFile> create(Place place, std::string path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  /// Where it will stand.
  [[nodiscard]] const Place& place() const { return place_; }

  /// ENOSPC and EDQUOT: the disk is full.
  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// From now on it stands under its name.
  [[nodiscard]] Result<void> commit(const Attributes& attributes, Durability durability);

 private:
  NewFile(Place place, std::string path, std::string temporary, UniqueFd file);

  Place place_;
  std::string path_;
  std::string temporary_;  ///< empty: there is none any more
  UniqueFd file_;
  std::uint64_t written_ = 0;
  std::uint64_t started_ = 0;  ///< so much of it has been sent to the disk
};

/// For what has no content: `make` is given a folder and the name under which it makes a symlink, a link or a
/// device there; 0, or -1 and errno.
[[nodiscard]] Result<void> replace_entry(const Place& place, std::string_view path,
                                         const std::function<int(int folder, const char* name)>& make);

}  // namespace kestrel::sys
