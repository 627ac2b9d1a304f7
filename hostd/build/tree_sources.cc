#include "hostd/build/tree_sources.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "kestrel/base/text.h"
#include "kestrel/sys/directory.h"

namespace kestrel::hostd {

namespace {

std::uint32_t mode_in_image(mode_t mode) {
  const bool is_shared = (mode & S_ISVTX) != 0;
  return static_cast<std::uint32_t>(mode & 07777) & (is_shared ? 07777U : ~022U);
}

Result<std::string> link_target(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  if (length < 0) return errno_error(concat("cannot read ", path), errno);
  return std::string(target, static_cast<std::size_t>(length));
}

Result<TreeEntry> describe(const std::string& path, const struct stat& status) {
  TreeEntry entry;
  entry.mode = mode_in_image(status.st_mode);
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      entry.source = path;
      return entry;
    case S_IFDIR:
      entry.kind = TreeEntry::Kind::folder;
      return entry;
    case S_IFLNK: {
      const auto target = link_target(path);
      if (!target) return target.error();
      return symlink_to(*target);
    }
    case S_IFIFO:
      entry.kind = TreeEntry::Kind::fifo;
      return entry;
    default:
      entry.kind =
          S_ISCHR(status.st_mode) ? TreeEntry::Kind::character_device : TreeEntry::Kind::block_device;
      entry.device_major = major(status.st_rdev);
      entry.device_minor = minor(status.st_rdev);
      return entry;
  }
}

Result<void> add_folder_contents(Tree& tree, const std::string& path, const std::string& place);

Result<void> add_entry(Tree& tree, const std::string& path, const std::string& place, int stat_flags) {
  struct stat status {};
  if (::fstatat(AT_FDCWD, path.c_str(), &status, stat_flags) != 0)
    return errno_error(concat("cannot read ", path), errno);
  if (S_ISSOCK(status.st_mode)) return {};
  auto entry = describe(path, status);
  if (!entry) return entry.error();
  const bool is_folder = entry->kind == TreeEntry::Kind::folder;
  if (auto added = tree.add(place, std::move(*entry)); !added) return added;
  return is_folder ? add_folder_contents(tree, path, place) : Result<void>();
}

Result<void> add_folder_contents(Tree& tree, const std::string& path, const std::string& place) {
  sys::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return errno_error(concat("cannot open ", path), errno);
  sys::DirectoryReader reader(std::move(folder));
  while (true) {
    const auto name = reader.next();
    if (!name) return name.error().in(concat("cannot read ", path));
    if (!*name) return {};
    const std::string inside = place.empty() ? **name : concat(place, '/', **name);
    if (auto added = add_entry(tree, concat(path, '/', **name), inside, AT_SYMLINK_NOFOLLOW); !added)
      return added;
  }
}

}  // namespace

Result<void> add_from_host(Tree& tree, const std::string& path, std::string_view place) {
  while (place.starts_with('/')) place.remove_prefix(1);
  return add_entry(tree, path, std::string(place), 0);
}

Result<TreeEntry> entry_of(const ArchiveMember& member, ArchiveReader& reader, const Tree& tree,
                           Spool& spool) {
  using Kind = ArchiveMember::Kind;
  TreeEntry entry;
  entry.mode = member.mode;
  entry.uid = member.uid;
  entry.gid = member.gid;
  entry.device_major = member.device_major;
  entry.device_minor = member.device_minor;
  switch (member.kind) {
    case Kind::file: {
      auto kept = spool.keep(reader);
      if (!kept) return kept.error();
      entry.source = std::move(*kept);
      return entry;
    }
    case Kind::hard_link: {
      const TreeEntry* target = tree.find(member.link);
      if (target == nullptr)
        return Error{concat(member.name, " is a link to ", member.link, ", which is not there")};
      return *target;
    }
    case Kind::symlink:
      entry.kind = TreeEntry::Kind::symlink;
      entry.link = member.link;
      return entry;
    case Kind::folder:
      entry.kind = TreeEntry::Kind::folder;
      return entry;
    case Kind::character_device:
      entry.kind = TreeEntry::Kind::character_device;
      return entry;
    case Kind::block_device:
      entry.kind = TreeEntry::Kind::block_device;
      return entry;
    case Kind::fifo:
    case Kind::other:
      break;
  }
  entry.kind = TreeEntry::Kind::fifo;
  return entry;
}

Result<void> add_archive(Tree& tree, const std::string& path, Spool& spool) {
  auto reader = ArchiveReader::open(path);
  if (!reader) return reader.error();
  while (true) {
    const auto member = reader->next();
    if (!member) return member.error();
    if (!*member) return {};
    if ((*member)->kind == ArchiveMember::Kind::other || (*member)->name == ".") continue;
    auto entry = entry_of(**member, *reader, tree, spool);
    if (!entry) return entry.error().in(concat("cannot read ", path));
    if (const auto added = tree.add((*member)->name, std::move(*entry)); !added)
      return added.error().in(concat("cannot read ", path));
  }
}

}  // namespace kestrel::hostd
