#include "kestrel/sys/mount_request.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/disk_head.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/file_system_check.h"

namespace kestrel::sys {

namespace {

/// How often a device that is not there yet is looked for.
constexpr timespec look_again = {0, 10'000'000};

constexpr std::string_view label_mark = "LABEL=";

struct NamedFlag {
  std::string_view name;
  unsigned long set;
  unsigned long cleared;
};
constexpr std::array named_flags = {
    NamedFlag{"defaults", 0, 0},           NamedFlag{"auto", 0, 0},
    NamedFlag{"ro", MS_RDONLY, 0},         NamedFlag{"rw", 0, MS_RDONLY},
    NamedFlag{"nosuid", MS_NOSUID, 0},     NamedFlag{"suid", 0, MS_NOSUID},
    NamedFlag{"nodev", MS_NODEV, 0},       NamedFlag{"dev", 0, MS_NODEV},
    NamedFlag{"noexec", MS_NOEXEC, 0},     NamedFlag{"exec", 0, MS_NOEXEC},
    NamedFlag{"sync", MS_SYNCHRONOUS, 0},  NamedFlag{"async", 0, MS_SYNCHRONOUS},
    NamedFlag{"dirsync", MS_DIRSYNC, 0},   NamedFlag{"noatime", MS_NOATIME, 0},
    NamedFlag{"atime", 0, MS_NOATIME},     NamedFlag{"nodiratime", MS_NODIRATIME, 0},
    NamedFlag{"relatime", MS_RELATIME, 0}, NamedFlag{"strictatime", MS_STRICTATIME, 0},
    NamedFlag{"lazytime", MS_LAZYTIME, 0}};

void add_option(std::string_view option, MountOptions& into) {
  if (option.empty() || option.starts_with("x-")) return;
  if (option == "nofail") {
    into.may_fail = true;
    return;
  }
  if (option == "bind" || option == "rbind") {
    into.is_bind = true;
    if (option == "rbind") into.flags |= MS_REC;
    return;
  }
  for (const NamedFlag& named : named_flags) {
    if (named.name != option) continue;
    into.flags = (into.flags | named.set) & ~named.cleared;
    return;
  }
  into.data.append(into.data.empty() ? "" : ",").append(option);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

/// Where `find` finds the device, asked again until then.
template <typename Find>
std::optional<std::string> await_device(MonotonicTime deadline, const Find& find) {
  for (;;) {
    if (auto found = find()) return found;
    if (monotonic_now() >= deadline) return std::nullopt;
    ::nanosleep(&look_again, nullptr);
  }
}

/// The path behind a source that stands for a device; the source itself where it stands for none.
Result<std::string> locate(const MountRequest& request, bool needs_device, MonotonicTime deadline) {
  const std::string& source = request.source;
  if (source.starts_with(label_mark)) {
    const auto label = std::string_view(source).substr(label_mark.size());
    auto found = await_device(deadline, [&] { return find_label("/sys/class/block", "/dev", label); });
    return found ? Result<std::string>(*std::move(found))
                 : Error{"no disk has a file system with that label", ENODEV};
  }
  const bool is_path = source.find('/') != std::string::npos;
  std::optional<std::string> device = source;
  if (source.starts_with("/dev/")) {
    device = await_device(deadline, [&] { return exists(source) ? std::optional(source) : std::nullopt; });
  } else if (needs_device && !is_path) {
    device = await_device(deadline, [&] { return find_volume("/sys/block", source); });
  }
  if (device) return *device;
  if (is_path) return Error{"the device did not appear", ENODEV};
  return Error{has_disk("/sys/block") ? "no disk has that name as its serial number"
                                      : "there is no disk: the image may lack the module virtio_blk",
               ENODEV};
}

/// With the folders above it, as mkdir -p.
Result<void> make_folder(const std::string& path) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0755) < 0 && errno != EEXIST)
      return errno_error(concat("cannot create ", part), errno);
  }
  return {};
}

Result<void> make_file(const std::string& path) {
  if (auto made = make_folder(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1))); !made)
    return made.error();
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0644));
  return file.is_open() ? Result<void>() : errno_error(concat("cannot create ", path), errno);
}

/// What a mount forbids; a bind of it must not come to allow that. The numbers are mount(2)'s.
unsigned long restrictions_of(const char* target) {
  struct statvfs info {};
  if (::statvfs(target, &info) < 0) return 0;
  return info.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC);
}

/// A bind takes no flags at first; they are set on the new mount, and replace all that it had.
Result<void> bind(const MountRequest& request, const MountOptions& options) {
  struct stat info {};
  if (::stat(request.source.c_str(), &info) < 0) return errno_error("cannot find the source", errno);
  auto made = S_ISDIR(info.st_mode) ? make_folder(request.target) : make_file(request.target);
  if (!made) return made.error();
  const char* target = request.target.c_str();
  if (::mount(request.source.c_str(), target, nullptr, MS_BIND | (options.flags & MS_REC), nullptr) < 0)
    return errno_error("the kernel refuses", errno);
  const unsigned long wanted = options.flags & ~static_cast<unsigned long>(MS_REC);
  if (wanted == 0) return {};
  const unsigned long all = MS_REMOUNT | MS_BIND | wanted | restrictions_of(target);
  if (::mount(nullptr, target, nullptr, all, nullptr) < 0)
    return errno_error("the kernel refuses its options", errno);
  return {};
}

Error refusal(std::string_view type, int error) {
  if (error == ENODEV) return {concat("this kernel has no file system ", type), error};
  if (error == EINVAL)
    return {concat("it holds no ", type, " file system, or an option is none of its own"), error};
  return errno_error("the kernel refuses", error);
}

Result<void> mount_as(const std::string& device, const std::string& target,
                      const std::vector<std::string>& types, const MountOptions& options) {
  Error last{"this kernel has no file system for devices", ENODEV};
  for (const std::string& type : types) {
    if (::mount(device.c_str(), target.c_str(), type.c_str(), options.flags, options.data.c_str()) == 0)
      return {};
    last = refusal(types.size() == 1 ? type : "known", errno);
    if (last.code != EINVAL) break;
  }
  return last;
}

Result<std::string> mount_file_system(const MountRequest& request, const MountOptions& options,
                                      MonotonicTime deadline) {
  const auto known = read_file("/proc/filesystems").value_or("");
  const auto with_device = device_file_systems(known);
  const bool needs_device = request.type.empty() || std::find(with_device.begin(), with_device.end(),
                                                              request.type) != with_device.end();
  const auto device = locate(request, needs_device, deadline);
  if (!device) return device.error();
  auto checked = needs_device ? check_file_system(*device) : std::string();
  if (!checked) return checked;
  if (auto made = make_folder(request.target); !made) return made.error();
  const auto types = request.type.empty() ? with_device : std::vector{request.type};
  if (auto mounted = mount_as(*device, request.target, types, options); !mounted) return mounted.error();
  return checked;
}

}  // namespace

MountOptions parse_mount_options(const std::vector<std::string>& options) {
  MountOptions parsed;
  for (const std::string& text : options) {
    for (std::string_view option : split(text, ',')) add_option(option, parsed);
  }
  return parsed;
}

std::optional<std::string> find_volume(const std::string& sys_block, const std::string& name) {
  const std::unique_ptr<DIR, int (*)(DIR*)> disks(::opendir(sys_block.c_str()), ::closedir);
  if (!disks) return std::nullopt;
  while (const dirent* disk = ::readdir(disks.get())) {
    const std::string_view device = disk->d_name;
    const auto serial = read_file(concat(sys_block, '/', device, "/serial"));
    if (serial && trim(*serial) == name) return concat("/dev/", device);
  }
  return std::nullopt;
}

bool has_disk(const std::string& sys_block) {
  const std::unique_ptr<DIR, int (*)(DIR*)> disks(::opendir(sys_block.c_str()), ::closedir);
  while (const dirent* disk = disks ? ::readdir(disks.get()) : nullptr) {
    const std::string_view name = disk->d_name;
    if (!name.starts_with('.') && !name.starts_with("loop") && name.find("ram") == std::string_view::npos)
      return true;
  }
  return false;
}

std::vector<std::string> device_file_systems(std::string_view proc_filesystems) {
  std::vector<std::string> types;
  for (std::string_view line : split(proc_filesystems, '\n')) {
    if (line.starts_with('\t')) types.emplace_back(line.substr(1));
  }
  return types;
}

Result<std::string> mount(const MountRequest& request, MonotonicTime deadline) {
  MountOptions options = parse_mount_options(request.options);
  const auto failed = [&](const Error& error) {
    return error.in(concat("cannot mount ", request.source, " on ", request.target));
  };
  if (options.is_bind || request.type == "bind") {
    const auto bound = bind(request, options);
    return bound ? Result<std::string>(std::string()) : failed(bound.error());
  }
  auto mounted = mount_file_system(request, options, deadline);
  return mounted ? mounted : failed(mounted.error());
}

}  // namespace kestrel::sys
