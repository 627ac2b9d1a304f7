#include "kestrel/sys/mounts.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

namespace {

constexpr unsigned long guarded = MS_NOSUID | MS_NODEV | MS_NOEXEC;

// /dev/null and a terminal are not to be had without /dev, and nothing is known of processes without /proc.
constexpr std::array<EarlyMount, 8> table = {{
    {"proc", "/proc", guarded, "", OnFailure::give_up},
    {"sysfs", "/sys", guarded, "", OnFailure::go_on},
    {"devtmpfs", "/dev", MS_NOSUID, "mode=0755", OnFailure::give_up},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666", OnFailure::go_on},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777", OnFailure::go_on},
    {"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755,size=20%", OnFailure::go_on},
    {"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777", OnFailure::go_on},
    {"cgroup2", "/sys/fs/cgroup", guarded, "nsdelegate", OnFailure::go_on},
}};

struct DeviceLink {
  const char* path;
  const char* target;
};
constexpr std::array<DeviceLink, 4> device_links = {{
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
}};

constexpr std::array<std::string_view, 16> nothing_to_lose = {
    "proc",   "sysfs", "devtmpfs", "devpts",  "tmpfs",      "ramfs",    "rootfs", "cgroup2",
    "cgroup", "bpf",   "tracefs",  "debugfs", "securityfs", "configfs", "mqueue", "hugetlbfs"};

/// A mount point differs from the folder it is in by its device. That needs no /proc; a bind mount of the
/// same file system is missed, and none can exist this early.
bool is_mount_point(const std::string& path) {
  struct stat own {};
  struct stat parent {};
  if (::stat(path.c_str(), &own) < 0 || ::stat(concat(path, "/..").c_str(), &parent) < 0) return false;
  return own.st_dev != parent.st_dev;
}

bool is_empty_folder(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (!folder) return true;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

bool is_in_memory(const std::string& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) < 0) return false;
  return info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC;
}

Result<void> mount_one(const EarlyMount& entry, const std::string& root) {
  const std::string target = concat(root, entry.target);
  ::mkdir(target.c_str(), 0755);
  if (is_mount_point(target)) return {};
  const bool is_memory = std::string_view(entry.type) == "tmpfs";
  if (is_memory && is_in_memory(target) && !is_empty_folder(target)) return {};
  if (::mount(entry.type, target.c_str(), entry.type, entry.flags, entry.options) == 0) return {};
  return errno_error(concat("cannot mount ", entry.type, " on ", target), errno);
}

/// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digits = text.substr(i).starts_with('\\') ? text.substr(i + 1, 3) : std::string_view();
    const bool is_octal =
        digits.size() == 3 && digits[0] <= '3' &&
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '7'; });
    if (!is_octal) {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0')));
    i += 3;
  }
  return out;
}

bool can_lose(const MountPoint& mount) {
  return std::find(nothing_to_lose.begin(), nothing_to_lose.end(), mount.type) == nothing_to_lose.end();
}

bool is_root_layer(const MountPoint& mount) { return mount.target.starts_with(concat(root_layers, '/')); }

Result<void> make_read_only(const std::string& target) {
  if (::mount(nullptr, target.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0) return {};
  return errno_error(concat("cannot make ", target, " read-only"), errno);
}

}  // namespace

std::span<const EarlyMount> early_mounts() { return table; }

Result<std::vector<Error>> mount_early(const std::string& root) {
  std::vector<Error> tolerated;
  for (const EarlyMount& entry : table) {
    auto mounted = mount_one(entry, root);
    if (mounted) continue;
    if (entry.on_failure == OnFailure::give_up) return mounted.error();
    tolerated.push_back(mounted.error());
  }
  for (const DeviceLink& link : device_links) {
    const std::string path = concat(root, link.path);
    if (::symlink(link.target, path.c_str()) == 0 || errno == EEXIST) continue;
    tolerated.push_back(errno_error(concat("cannot create ", path), errno));
  }
  return tolerated;
}

std::vector<MountPoint> parse_mount_info(std::string_view text) {
  std::vector<MountPoint> mounts;
  for (std::string_view line : split(text, '\n')) {
    // id parent major:minor root target options [optional…] - type source options
    const auto separator = line.find(" - ");
    if (separator == std::string_view::npos) continue;
    const auto before = split(line.substr(0, separator), ' ');
    const auto after = split(line.substr(separator + 3), ' ');
    if (before.size() < 6) continue;
    mounts.push_back({unescape(before[4]), std::string(after[0])});
  }
  return mounts;
}

std::vector<std::string> to_unmount(const std::vector<MountPoint>& mounts) {
  std::vector<std::string> targets;
  for (auto mount = mounts.rbegin(); mount != mounts.rend(); ++mount) {
    if (can_lose(*mount) && mount->target != "/" && !is_root_layer(*mount)) targets.push_back(mount->target);
  }
  return targets;
}

std::vector<Error> unmount_all() {
  std::vector<Error> failures;
  auto text = read_file("/proc/self/mountinfo", mebibytes(16));
  if (!text) return {text.error()};
  const auto mounts = parse_mount_info(*text);
  for (const std::string& target : to_unmount(mounts)) {
    if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0) continue;
    if (auto made = make_read_only(target); !made) failures.push_back(made.error());
  }
  if (!is_in_memory("/")) {
    if (auto made = make_read_only("/"); !made) failures.push_back(made.error());
  }
  for (const MountPoint& mount : mounts) {
    if (!is_root_layer(mount) || !can_lose(mount)) continue;
    if (auto made = make_read_only(mount.target); !made) failures.push_back(made.error());
  }
  return failures;
}

}  // namespace kestrel::sys
