#include "hostd/build/staging.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

namespace {

using Kind = TreeEntry::Kind;

/// /etc/passwd and the like, and configurations.
constexpr off_t longest_in_skeleton = 256 * 1024;

Result<void> copy_bytes(const std::string& source, int target, Staging staging) {
  const sys::UniqueFd file(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0)
    return errno_error(concat("cannot open ", source), errno);
  if (staging == Staging::skeleton && status.st_size > longest_in_skeleton) return {};
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t count = ::sendfile(target, file.get(), nullptr, static_cast<std::size_t>(left));
    if (count < 0) return errno_error(concat("cannot copy ", source), errno);
    if (count == 0) break;
    left -= count;
  }
  return {};
}

Result<void> make_file(const std::string& path, const TreeEntry& entry, Staging staging) {
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return errno_error(concat("cannot create ", path), errno);
  if (!entry.source.empty()) return copy_bytes(entry.source, file.get(), staging);
  if (::write(file.get(), entry.content.data(), entry.content.size()) !=
      static_cast<ssize_t>(entry.content.size()))
    return errno_error(concat("cannot write ", path), errno);
  return {};
}

mode_t type_of(Kind kind) {
  if (kind == Kind::character_device) return S_IFCHR;
  return kind == Kind::block_device ? S_IFBLK : S_IFIFO;
}

Result<void> make_entry(const std::string& path, const TreeEntry& entry, Staging staging) {
  int result = 0;
  switch (entry.kind) {
    case Kind::file:
      return make_file(path, entry, staging);
    case Kind::folder:
      result = ::mkdir(path.c_str(), 0700);
      break;
    case Kind::symlink:
      result = ::symlink(entry.link.c_str(), path.c_str());
      break;
    case Kind::character_device:
    case Kind::block_device:
    case Kind::fifo:
      if (staging == Staging::skeleton) return make_file(path, {}, staging);
      result =
          ::mknod(path.c_str(), type_of(entry.kind) | 0600, makedev(entry.device_major, entry.device_minor));
      break;
  }
  if (result != 0) return errno_error(concat("cannot create ", path), errno);
  return {};
}

/// The owner first: changing it takes the setuid bit away.
Result<void> set_attributes(const std::string& path, const TreeEntry& entry, Staging staging,
                            std::int64_t time) {
  const bool is_whole = staging == Staging::whole;
  if (is_whole && ::lchown(path.c_str(), entry.uid, entry.gid) != 0)
    return errno_error(concat("cannot set the owner of ", path), errno);
  // Nobody but us looks at a skeleton, and we have to be able to remove it again.
  const mode_t mode =
      is_whole ? entry.mode : (entry.mode & 0777) | (entry.kind == Kind::folder ? 0700 : 0600);
  if (entry.kind != Kind::symlink && ::chmod(path.c_str(), mode) != 0)
    return errno_error(concat("cannot set the mode of ", path), errno);
  const timespec times[2] = {{time, 0}, {time, 0}};
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
  return {};
}

}  // namespace

Result<void> stage(const Tree& tree, const std::string& folder, Staging staging, std::int64_t time) {
  for (const auto& [path, entry] : tree.entries()) {
    if (auto made = make_entry(concat(folder, '/', path), entry, staging); !made) return made;
  }
  // Backwards, for what is put into a folder changes its time.
  for (auto entry = tree.entries().rbegin(); entry != tree.entries().rend(); ++entry) {
    if (auto set = set_attributes(concat(folder, '/', entry->first), entry->second, staging, time); !set)
      return set;
  }
  return {};
}

}  // namespace kestrel::hostd
