#include "kestrel/app/disk_root.h"

#include <fcntl.h>

#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/root.h"

namespace kestrel::app {

namespace {

constexpr auto new_root = "/sysroot";
/// As long as hostd waits for a guest's first word. Disks of a VM are there within milliseconds.
constexpr Duration patience_for_disk = seconds(30);

/// The kernel takes the same word for what its initramfs is to be made of, which every runner says.
bool is_of_initramfs(std::string_view type) { return type == "ramfs" || type == "tmpfs"; }

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
      .waits_for_ever = parameters.contains("rootwait")};
  if (is_of_initramfs(root.mount.type)) root.mount.type.clear();
  if (const auto flags = value_of("rootflags"); !flags.empty()) root.mount.options.push_back(flags);
  root.mount.options.emplace_back(parameters.contains("rw") ? "rw" : "ro");
  return root;
}

Result<void> enter_disk_root(const sys::KernelParameters& parameters) {
  const auto root = disk_root_of(parameters);
  if (!root || !sys::is_on_initramfs()) return {};
  const sys::UniqueFd own(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto deadline =
      root->waits_for_ever ? MonotonicTime::max() : sys::monotonic_now() + patience_for_disk;
  if (auto mounted = sys::mount(root->mount, deadline); !mounted) return mounted.error();
  if (auto switched = sys::switch_root(root->mount.target); !switched)
    return switched.error().in(concat("cannot go to ", root->mount.source));
  log_info("goes on from ", root->mount.source);
  return sys::exec_next_stage(own.get());
}

}  // namespace kestrel::app
