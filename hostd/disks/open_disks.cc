#include "hostd/disks/open_disks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <filesystem>

#include "hostd/disks/overlay.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

enum class Use { read, write };

/// A block device, such as a logical volume, is as good as a file.
bool can_be_a_disk(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode));
}

/// Whoever only wants to know whether it is in use holds it for a moment, too, and a VMM that was killed
/// until the kernel has put away the guest's memory: a VM that is started again at once waits for that.
bool try_lock(int fd, int kind) {
  constexpr timespec pause{0, 20'000'000};
  constexpr int attempts = 50;
  for (int attempt = 0; attempt < attempts; ++attempt) {
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

Result<sys::UniqueFd> open_empty(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
  if (failed) return errno_error(concat("cannot create disk ", path), failed.value());
  sys::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return errno_error(concat("cannot create disk ", path), errno);
  if (!try_lock(file.get(), LOCK_EX))
    return Error{concat("cannot use disk ", path, ": another VM uses it"), EBUSY};
  return file;
}

/// One that is empty was being made when its maker was killed.
bool is_to_be_made(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno == ENOENT;
  return S_ISREG(status.st_mode) && status.st_size == 0;
}

/// An overlay over `base`, which is open.
Result<sys::UniqueFd> open_overlay(const Disk& disk, int base) {
  const bool is_unnamed = disk.file.path.empty();
  if (!is_unnamed && !is_to_be_made(disk.file.path))
    return open_locked(disk.file.path, disk.is_read_only ? Use::read : Use::write);
  const auto size = virtual_size(base, disk.base->format, disk.base->path);
  if (!size) return size.error();
  auto file = is_unnamed ? open_unnamed_file(overlays_dir()) : open_empty(disk.file.path);
  if (!file) return file;
  if (const auto written = write_overlay(file->get(), *size); !written) return written.error();
  return file;
}

}  // namespace

Result<OpenDisk> open_disk(const Disk& disk) {
  OpenDisk open;
  if (disk.base) {
    auto base = open_locked(disk.base->path, Use::read);
    if (!base) return base.error();
    open.base = std::move(*base);
  }
  auto file = disk.base ? open_overlay(disk, open.base.get())
                        : open_locked(disk.file.path, disk.is_read_only ? Use::read : Use::write);
  if (!file) return file.error();
  open.file = std::move(*file);
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
