#include "kestrel/sys/root.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

namespace {

constexpr std::array moved = {"/dev", "/proc", "/sys", "/run"};
constexpr std::array next_stages = {"/sbin/kestrel", "/usr/sbin/kestrel", "/usr/lib/kestrel/kestrel"};

Result<void> move_mount(const char* mount_point, const std::string& new_root) {
  const std::string target = concat(new_root, mount_point);
  if (::mkdir(target.c_str(), 0755) < 0 && errno != EEXIST)
    return errno_error(concat("cannot create ", mount_point, " in the root"), errno);
  if (::mount(mount_point, target.c_str(), nullptr, MS_MOVE, nullptr) < 0)
    return errno_error(concat("cannot move ", mount_point, " into the root"), errno);
  return {};
}

/// Removes all files below `folder` that are on `device`: what is mounted in it is another's.
void remove_files(UniqueFd folder, dev_t device) {
  const int fd = folder.get();
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(folder.release()), ::closedir);
  if (!entries) return;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    struct stat info {};
    if (name == "." || name == ".." || ::fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
        info.st_dev != device)
      continue;
    if (S_ISDIR(info.st_mode))
      remove_files(UniqueFd(::openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                   device);
    ::unlinkat(fd, entry->d_name, S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0);
  }
}

}  // namespace

bool is_on_initramfs() {
  struct statfs info {};
  return ::statfs("/", &info) == 0 && (info.f_type == RAMFS_MAGIC || info.f_type == TMPFS_MAGIC);
}

Result<void> switch_root(const std::string& new_root) {
  UniqueFd old_root(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat old_info {};
  if (!old_root.is_open() || ::fstat(old_root.get(), &old_info) < 0)
    return errno_error("cannot open the initramfs", errno);
  for (const char* mount_point : moved) {
    if (auto done = move_mount(mount_point, new_root); !done) return done.error();
  }
  // The initramfs can be neither unmounted nor pivoted away from (kernel: ramfs-rootfs-initramfs.rst).
  if (::chdir(new_root.c_str()) < 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) < 0 ||
      ::chroot(".") < 0 || ::chdir("/") < 0)
    return errno_error("cannot make it the root", errno);
  remove_files(std::move(old_root), old_info.st_dev);
  return {};
}

Error exec_next_stage(int own) {
  std::array<char, 8> name = {"kestrel"};
  const std::array<char*, 2> arguments = {name.data(), nullptr};
  for (const char* program : next_stages) {
    ::execv(program, arguments.data());
    if (errno != ENOENT) return errno_error(concat("cannot execute ", program), errno);
  }
  ::fexecve(own, arguments.data(), environ);
  return errno_error("cannot execute kestrel, which was carried over", errno);
}

}  // namespace kestrel::sys
