#include "hostd/build/disk_image.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "hostd/build/staging.h"
#include "hostd/images/sha256.h"
#include "hostd/tool.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::uint64_t block = 4096;

/// Of the file system: blocks of files, an inode and a block for each entry, a journal, and 5 % for its
/// tables.
std::uint64_t mebibytes_for(const Tree& tree, std::uint32_t spare) {
  std::uint64_t bytes = 0;
  for (const auto& [path, entry] : tree.entries()) {
    std::uint64_t size = entry.content.size();
    struct stat status {};
    if (!entry.source.empty() && ::stat(entry.source.c_str(), &status) == 0)
      size = static_cast<std::uint64_t>(status.st_size);
    bytes += (size + block - 1) / block * block + block;
  }
  constexpr std::uint64_t journal = 16;
  return bytes * 21 / 20 / (1024 * 1024) + journal + spare + 1;
}

/// The same for every build of the same version.
std::string uuid_of(const BuildPlan& plan) {
  Sha256 hash;
  hash.update(concat(plan.name, ':', plan.version));
  const std::string digits = hash.finish();
  const std::string_view text = digits;
  return concat(text.substr(0, 8), '-', text.substr(8, 4), "-4", text.substr(13, 3), "-8", text.substr(17, 3),
                '-', text.substr(20, 12));
}

Tool tool(std::vector<std::string> command) {
  Tool made;
  made.command = std::move(command);
  return made;
}

}  // namespace

Result<void> make_disk_image(const Tree& tree, const BuildPlan& plan, const std::string& path, Spool& spool,
                             std::int64_t time) {
  if (::geteuid() != 0)
    return Error{"cannot make a disk image: only root can give files their owners; build it as root"};
  const auto folder = spool.make_folder("disk");
  if (!folder) return folder.error();
  if (auto staged = stage(tree, *folder, Staging::whole, time); !staged) return staged;
  const bool is_raw = plan.disk_format == DiskImageFormat::raw;
  const std::string raw = is_raw ? path : spool.path("disk.raw");
  const std::string uuid = uuid_of(plan);
  Tool format = tool({"mke2fs", "-q", "-t", "ext4", "-d", *folder, "-L", "rootfs", "-U", uuid, "-E",
                      concat("hash_seed=", uuid, ",root_owner=0:0,lazy_itable_init=0"), raw,
                      concat(mebibytes_for(tree, plan.spare_mebibytes), 'M')});
  format.environment = {concat("E2FSPROGS_FAKE_TIME=", std::max<std::int64_t>(time, 1))};
  if (const auto made = run_tool(format); !made) return made.error();
  if (is_raw) return {};
  const auto converted = run_tool(tool({"qemu-img", "convert", "-c", "-O", "qcow2", raw, path}));
  if (!converted) return converted.error();
  return {};
}

}  // namespace kestrel::hostd
