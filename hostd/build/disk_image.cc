#include "hostd/build/disk_image.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

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

/// What is to become a file system, and where.
struct Job {
  const Tree& tree;
  const BuildPlan& plan;
  const std::string& folder;  ///< the tree's files
  const std::string& path;
  std::int64_t time;
};

Result<void> run(const Tool& made) {
  const auto done = run_tool(made);
  return done ? Result<void>() : done.error();
}

/// What the programs of e2fsprogs take for the present; 0 would be none.
std::string fake_time(const Job& job) {
  return concat("E2FSPROGS_FAKE_TIME=", std::max<std::int64_t>(job.time, 1));
}

/// Commands of debugfs(8). All times of the files are those of the staged ones, but for the one of the change
/// of an inode, which nobody can set on a mounted file system.
std::string commands_for_times(const Tree& tree, std::int64_t time) {
  std::string commands;
  const auto add = [&](std::string_view path) {
    // debugfs has no way to write these.
    if (path.find_first_of("\"\n") != std::string_view::npos) return;
    commands += concat("set_inode_field \"/", path, "\" ctime @", time, '\n');
  };
  add("");
  add("lost+found");
  for (const auto& [path, entry] : tree.entries()) add(path);
  return commands;
}

Result<void> set_times(const Job& job, const std::string& image, Spool& spool) {
  const std::string script = spool.path("times");
  std::ofstream file(script);
  file << commands_for_times(job.tree, job.time) << std::flush;
  if (!file) return errno_error(concat("cannot write ", script), errno);
  Tool edit = tool({"debugfs", "-w", "-f", script, image});
  edit.environment = {fake_time(job)};
  return run(edit);
}

Result<void> make_ext4(const Job& job, Spool& spool) {
  const bool is_raw = job.plan.disk_format == DiskImageFormat::raw;
  const std::string raw = is_raw ? job.path : spool.path("disk.raw");
  const std::string uuid = uuid_of(job.plan);
  Tool format = tool({"mke2fs", "-q", "-t", "ext4", "-d", job.folder, "-L", "rootfs", "-U", uuid, "-E",
                      concat("hash_seed=", uuid, ",root_owner=0:0,lazy_itable_init=0"), raw,
                      concat(mebibytes_for(job.tree, job.plan.spare_mebibytes), 'M')});
  format.environment = {fake_time(job)};
  if (auto made = run(format); !made) return made;
  if (auto set = set_times(job, raw, spool); !set || is_raw) return set;
  return run(tool({"qemu-img", "convert", "-c", "-O", "qcow2", raw, job.path}));
}

/// Makes all times those of the job. Whether the variable is set makes a difference to both of these
/// programs, so it always is.
Result<void> run_dated(std::vector<std::string> command, const Job& job) {
  Tool made = tool(std::move(command));
  made.environment = {concat("SOURCE_DATE_EPOCH=", job.time)};
  return run(made);
}

/// lz4, as that is what every kernel with erofs unpacks.
Result<void> make_erofs(const Job& job) {
  return run_dated({"mkfs.erofs", "-zlz4hc", concat("-T", job.time), concat("-U", uuid_of(job.plan)),
                    job.path, job.folder},
                   job);
}

/// One thread, so that the blocks are in the same order each time. An option for its times would be refused
/// beside the variable.
Result<void> make_squashfs(const Job& job) {
  return run_dated({"mksquashfs", job.folder, job.path, "-noappend", "-no-progress", "-no-exports", "-comp",
                    "zstd", "-processors", "1"},
                   job);
}

}  // namespace

std::string_view name_of(DiskFileSystem file_system) {
  constexpr std::string_view names[] = {"ext4", "erofs", "squashfs"};
  return names[static_cast<std::size_t>(file_system)];
}

std::string disk_image_name(const BuildPlan& plan) {
  if (plan.disk_file_system != DiskFileSystem::ext4) return concat("rootfs.", name_of(plan.disk_file_system));
  return plan.disk_format == DiskImageFormat::raw ? "rootfs.img" : "rootfs.qcow2";
}

Result<void> make_disk_image(const Tree& tree, const BuildPlan& plan, const std::string& path, Spool& spool,
                             std::int64_t time) {
  if (::geteuid() != 0)
    return Error{"cannot make a disk image: only root can give files their owners; build it as root"};
  const auto folder = spool.make_folder("disk");
  if (!folder) return folder.error();
  if (auto staged = stage(tree, *folder, Staging::whole, time); !staged) return staged;
  const Job job{tree, plan, *folder, path, time};
  switch (plan.disk_file_system) {
    case DiskFileSystem::ext4:
      return make_ext4(job, spool);
    case DiskFileSystem::erofs:
      return make_erofs(job);
    case DiskFileSystem::squashfs:
      return make_squashfs(job);
  }
  return {};
}

}  // namespace kestrel::hostd
