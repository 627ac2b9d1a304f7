#include "kestrel/app/disk_root.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/mounts.h"
#include "kestrel/sys/root.h"

namespace kestrel::app {

namespace {

constexpr auto new_root = "/sysroot";
/// Disks of a VM are there within milliseconds. It has to be over before hostd gives up waiting for the
/// guest's first word, so that the guest can tell what is missing.
constexpr Duration patience_for_disk = seconds(10);

/// The kernel takes the same word for what its initramfs is to be made of, which every runner says.
bool is_of_initramfs(std::string_view type) { return type == "ramfs" || type == "tmpfs"; }

Result<void> mount_and_tell(const sys::MountRequest& request, MonotonicTime deadline) {
  const auto mounted = sys::mount(request, deadline);
  if (!mounted) return mounted.error();
  if (!mounted->empty()) log_warning(*mounted);
  return {};
}

Result<void> make_folder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return errno_error(concat("cannot create ", path), errno);
}

/// What takes the guest's writes, to be mounted on `target`.
sys::MountRequest writable_layer(const std::string& overlay, const std::string& target) {
  if (!overlay.empty()) return {.source = overlay, .target = target, .type = {}, .options = {}};
  return {.source = "tmpfs", .target = target, .type = "tmpfs", .options = {"mode=0755"}};
}

/// The disk, and over it what is written; both stay in sight below /run, which goes along to the new root, so
/// that they are taken down in order at the end.
Result<void> mount_layers(const DiskRoot& root, MonotonicTime deadline) {
  const std::string folder(sys::root_layers);
  const std::string image = folder + "/image";
  const std::string writes = folder + "/writes";
  sys::MountRequest disk = root.mount;
  disk.target = image;
  // Before a mount makes it for everybody to look into.
  if (auto made = make_folder(folder.substr(0, folder.rfind('/')), 0700); !made) return made;
  if (auto mounted = mount_and_tell(disk, deadline); !mounted) return mounted;
  if (auto mounted = mount_and_tell(writable_layer(*root.overlay, writes), deadline); !mounted)
    return mounted;
  for (const char* part : {"/upper", "/work"}) {
    if (auto made = make_folder(writes + part, 0755); !made)
      return made.error().in("cannot prepare what takes the guest's writes");
  }
  const std::string layers =
      concat("lowerdir=", image, ",upperdir=", writes, "/upper,workdir=", writes, "/work");
  return mount_and_tell(
      {.source = "overlay", .target = root.mount.target, .type = "overlay", .options = {layers}}, deadline);
}

}  // namespace

std::optional<DiskRoot> disk_root_of(const sys::KernelParameters& parameters) {
  const auto value_of = [&](std::string_view key) {
    const auto found = parameters.find(key);
    return found == parameters.end() ? std::string() : found->second;
  };
  const std::string source = value_of("root");
  if (source.empty()) return std::nullopt;
  DiskRoot root{
      .mount = {.source = source, .target = new_root, .type = value_of("rootfstype"), .options = {}},
      .overlay = {},
      .waits_for_ever = parameters.contains("rootwait")};
  if (is_of_initramfs(root.mount.type)) root.mount.type.clear();
  if (const auto flags = value_of("rootflags"); !flags.empty()) root.mount.options.push_back(flags);
  if (parameters.contains("kestrel.overlay")) root.overlay = value_of("kestrel.overlay");
  root.mount.options.emplace_back(parameters.contains("rw") && !root.overlay ? "rw" : "ro");
  return root;
}

Result<void> enter_disk_root(const sys::KernelParameters& parameters) {
  const auto root = disk_root_of(parameters);
  if (!root || !sys::is_on_initramfs()) return {};
  const sys::UniqueFd own(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto deadline =
      root->waits_for_ever ? MonotonicTime::max() : sys::monotonic_now() + patience_for_disk;
  const auto mounted = root->overlay ? mount_layers(*root, deadline) : mount_and_tell(root->mount, deadline);
  if (!mounted) return mounted.error();
  if (auto switched = sys::switch_root(root->mount.target); !switched)
    return switched.error().in(concat("cannot go to ", root->mount.source));
  log_info("goes on from ", root->mount.source);
  return sys::exec_next_stage(own.get());
}

}  // namespace kestrel::app
