#include "hostd/disks/volumes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "hostd/disks/file_system.h"
#include "hostd/plain_name.h"
#include "hostd/state_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file_identity.h"

namespace kestrel::hostd {

namespace {

/// As long as it has this name in addition to its own, a volume is not whole.
constexpr std::string_view unfinished = ".new";

/// What is in a volume concerns nobody else, nor which there are.
Result<void> make_folder(const std::string& path) {
  std::error_code failure;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failure);
  if (failure || (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST))
    return errno_error(concat("cannot make the folder ", path), failure ? failure.value() : errno);
  return {};
}

Result<void> fill(int fd, const std::string& path, Bytes size) {
  // Twice: what somebody's crash has left in it has to go, too.
  if (::ftruncate(fd, 0) != 0 || ::ftruncate(fd, static_cast<off_t>(size.count)) != 0)
    return errno_error(concat("cannot make ", path, " of ", format_bytes(size)), errno);
  if (auto made = make_file_system(path); !made) return made;
  return ::fsync(fd) == 0 ? Result<void>() : errno_error(concat("cannot write ", path), errno);
}

/// An open and locked file that has its name and its file system from the same moment on. Not open: somebody
/// else has just made it, it is to be looked for again.
Result<OpenDisk> make_volume(const Volume& volume) {
  if (volume.size == Bytes{}) {
    return Error{concat("cannot make volume ", volume.name, ": it is not there yet, and no size is given"),
                 ENOENT};
  }
  const std::string path = concat(volume.path, unfinished);
  sys::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return errno_error(concat("cannot create ", path), errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{concat("cannot use volume ", volume.name, ": another VM is making it"), EBUSY};
  // Until we had the lock its maker may have finished it: then it is no longer ours to fill.
  if (!sys::is_file_at(file.get(), path) || ::access(volume.path.c_str(), F_OK) == 0) return OpenDisk{};
  auto filled = fill(file.get(), path, volume.size);
  if (filled && ::rename(path.c_str(), volume.path.c_str()) != 0)
    filled = errno_error(concat("cannot create ", volume.path), errno);
  if (filled) return OpenDisk{std::move(file), {}};
  ::unlink(path.c_str());
  return filled.error();
}

/// Not open: it was there a moment ago.
Result<OpenDisk> open_existing(const Volume& volume) {
  auto open = open_disk(disk_of(volume));
  if (!open) {
    if (open.error().code != EBUSY) return open.error();
    return Error{concat("cannot use volume ", volume.name, ": another VM uses it"), EBUSY};
  }
  // Somebody may have removed it before we had its lock.
  if (!sys::is_file_at(open->file.get(), volume.path)) return OpenDisk{};
  struct stat status {};
  if (::fstat(open->file.get(), &status) != 0) return errno_error(concat("cannot use ", volume.path), errno);
  const Bytes size{static_cast<std::uint64_t>(status.st_size)};
  if (volume.size == Bytes{} || volume.size == size) return open;
  return Error{concat("cannot use volume ", volume.name, ": it is there already, of ", format_bytes(size),
                      " and not ", format_bytes(volume.size), "; leave the size away to take it as it is")};
}

/// The names of all volumes of a folder.
std::vector<std::string> names_in(const std::string& folder) {
  constexpr std::string_view suffix = ".raw";
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  if (!entries) return names;
  while (const dirent* entry = ::readdir(entries.get())) {
    std::string_view name = entry->d_name;
    if (!name.ends_with(suffix)) continue;
    name.remove_suffix(suffix.size());
    if (is_plain_name(name, longest_serial)) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string volumes_dir() { return concat(state_dir(), "/volumes"); }

Result<OpenDisk> open_volume(const Volume& volume) {
  if (auto made = make_folder(volume.path.substr(0, volume.path.rfind('/'))); !made) return made.error();
  // Others may make it and remove it between our looks.
  for (int attempt = 0; attempt < 10; ++attempt) {
    const bool is_there = ::access(volume.path.c_str(), F_OK) == 0;
    auto open = is_there ? open_existing(volume) : make_volume(volume);
    if (!open || open->file.is_open()) return open;
  }
  return Error{concat("cannot use volume ", volume.name, ": it comes and goes"), EBUSY};
}

std::vector<KeptVolume> list_volumes(const std::string& folder) {
  std::vector<KeptVolume> volumes;
  for (std::string& name : names_in(folder)) {
    const std::string path = volume_path(folder, name);
    const sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file.is_open() || ::fstat(file.get(), &status) != 0) continue;
    KeptVolume volume;
    volume.name = std::move(name);
    volume.size = {static_cast<std::uint64_t>(status.st_size)};
    volume.allocated = {static_cast<std::uint64_t>(status.st_blocks) * 512};  // stat(2)
    volume.is_in_use = ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
    volumes.push_back(std::move(volume));
  }
  return volumes;
}

Result<void> remove_volume(const std::string& folder, const std::string& name) {
  const auto failed = [&](std::string_view cause, int code) {
    return Error{concat("cannot remove volume ", printable(name), ": ", cause), code};
  };
  if (!is_plain_name(name, longest_serial)) return failed("that is no volume's name", EINVAL);
  const std::string path = volume_path(folder, name);
  const sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open())
    return errno == ENOENT ? failed("there is none of that name", ENOENT)
                           : errno_error(concat("cannot open ", path), errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return failed("a VM uses it", EBUSY);
  if (::unlink(path.c_str()) != 0) return errno_error(concat("cannot remove ", path), errno);
  return {};
}

}  // namespace kestrel::hostd
