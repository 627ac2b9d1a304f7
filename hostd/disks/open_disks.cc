#include "hostd/disks/open_disks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

enum class Use { read, write };

/// A block device, such as a logical volume, is as good as a file.
bool can_be_a_disk(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode));
}

/// Whoever only wants to know whether it is in use holds it for a moment, too.
bool try_lock(int fd, int kind) {
  constexpr timespec pause{0, 5'000'000};
  for (int attempt = 0; attempt < 4; ++attempt) {
    if (attempt > 0) ::nanosleep(&pause, nullptr);
    if (::flock(fd, kind | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
  }
  return false;
}

Result<sys::UniqueFd> open_locked(const std::string& path, Use use) {
  const auto failed = [&](std::string_view cause, int code) {
    return Error{concat("cannot use disk ", path, ": ", cause), code};
  };
  // A pipe of that name must not hold us up.
  const int access = use == Use::write ? O_RDWR : O_RDONLY;
  sys::UniqueFd file(::open(path.c_str(), access | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return errno_error(concat("cannot use disk ", path), errno);
  if (!can_be_a_disk(file.get())) return failed("it is neither a file nor a block device", EINVAL);
  if (try_lock(file.get(), use == Use::write ? LOCK_EX : LOCK_SH)) return file;
  if (errno != EWOULDBLOCK) return errno_error(concat("cannot lock disk ", path), errno);
  return failed(use == Use::write ? "another VM uses it" : "another VM writes to it", EBUSY);
}

}  // namespace

Result<OpenDisk> open_disk(const Disk& disk) {
  OpenDisk open;
  auto file = open_locked(disk.file.path, disk.is_read_only ? Use::read : Use::write);
  if (!file) return file.error();
  open.file = std::move(*file);
  if (!disk.base) return open;
  auto base = open_locked(disk.base->path, Use::read);
  if (!base) return base.error();
  open.base = std::move(*base);
  return open;
}

Result<std::vector<OpenDisk>> open_disks(const std::vector<Disk>& disks) {
  std::vector<OpenDisk> open;
  for (const Disk& disk : disks) {
    auto one = open_disk(disk);
    if (!one) return one.error();
    open.push_back(std::move(*one));
  }
  return open;
}

std::vector<DiskFds> fds_of(const std::vector<OpenDisk>& disks) {
  std::vector<DiskFds> fds;
  for (const OpenDisk& disk : disks) fds.push_back({disk.file.get(), disk.base.get()});
  return fds;
}

}  // namespace kestrel::hostd
