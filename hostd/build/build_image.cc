#include "hostd/build/build_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include "hostd/build/disk_image.h"
#include "hostd/build/fledge_file.h"
#include "hostd/build/image_files.h"
#include "hostd/build/module_files.h"
#include "hostd/build/plan_sources.h"
#include "hostd/build/programs.h"
#include "hostd/build/staging.h"
#include "hostd/build/tree_sources.h"
#include "hostd/images/archive_writer.h"
#include "hostd/images/bundle.h"
#include "hostd/images/sha256.h"
#include "hostd/tool.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

namespace {

namespace fs = std::filesystem;

ArchiveMember::Kind kind_of(TreeEntry::Kind kind) {
  using Kind = ArchiveMember::Kind;
  constexpr Kind kinds[] = {Kind::file,         Kind::folder, Kind::symlink, Kind::character_device,
                            Kind::block_device, Kind::fifo};
  return kinds[static_cast<std::size_t>(kind)];
}

Result<std::uint64_t> size_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error(concat("cannot read ", path), errno);
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> pack_entry(ArchiveWriter& writer, ArchiveMember member, const TreeEntry& entry) {
  if (entry.source.empty()) {
    member.size = entry.content.size();
    if (auto added = writer.add(member); !added) return added;
    return writer.write(entry.content);
  }
  const auto size = size_of(entry.source);
  if (!size) return size.error();
  member.size = *size;
  return writer.add_file(member, entry.source);
}

Result<void> pack_initramfs(const Tree& tree, const std::string& path, Compression compression,
                            std::int64_t time) {
  const auto form =
      compression == Compression::gzip ? ArchiveForm::initramfs_gzip : ArchiveForm::initramfs_zstd;
  auto writer = ArchiveWriter::create(path, form);
  if (!writer) return writer.error();
  for (const auto& [name, entry] : tree.entries()) {
    ArchiveMember member;
    member.kind = kind_of(entry.kind);
    member.name = name;
    member.link = entry.link;
    member.mode = entry.mode;
    member.uid = entry.uid;
    member.gid = entry.gid;
    member.device_major = entry.device_major;
    member.device_minor = entry.device_minor;
    member.mtime = time;
    if (auto packed = pack_entry(*writer, std::move(member), entry); !packed) return packed;
  }
  return writer->finish();
}

/// One build: the tree comes first, then the image's files in a folder, then the output.
class Build {
 public:
  Build(const BuildPlan& plan, const Workshop& workshop, Spool spool)
      : plan_(plan), workshop_(workshop), spool_(std::move(spool)) {}

  Result<void> run(const std::string& output) {
    auto folder = spool_.make_folder("image");
    if (!folder) return folder.error();
    folder_ = std::move(*folder);
    using Step = Result<void> (Build::*)();
    for (const Step step : {&Build::collect, &Build::check_config, &Build::make_rootfs,
                            &Build::make_initramfs, &Build::place_kernel, &Build::write_manifest}) {
      if (auto done = (this->*step)(); !done) return done;
    }
    return output.ends_with(".tar.gz") ? write_archive(output) : replace_folder(output);
  }

 private:
  Result<void> collect() {
    const auto process = add_source(tree_, plan_, workshop_, spool_);
    if (!process) return process.error();
    for (const auto& [from, to] : plan_.mappings) {
      if (auto added = add_from_host(tree_, from, to); !added) return added;
    }
    for (const std::string& program : plan_.programs) {
      if (auto added = add_program(tree_, program, plan_.sysroots); !added) return added;
    }
    if (auto added = add_mount_points(tree_); !added) return added;
    return add_config(tree_, plan_, *process);
  }

  Result<void> check_config() {
    if (!workshop_.checks_config) return {};
    const auto root = spool_.make_folder("skeleton");
    if (!root) return root.error();
    if (auto staged = stage(tree_, *root, Staging::skeleton, workshop_.time); !staged) return staged;
    const std::string inside = concat(*root, '/', config_place);
    Tool check;
    check.command = {workshop_.kestrel, "check", inside, "--root", *root};
    const auto checked = run_tool(check);
    if (checked) return {};
    // As the author knows the file, not the copy that was looked at.
    std::string problems = checked.error().message;
    const std::string name = plan_.config.empty() ? concat('/', config_place) : plan_.config;
    for (auto at = problems.find(inside); at != std::string::npos; at = problems.find(inside, at))
      problems.replace(at, inside.size(), name);
    const auto line_end = problems.find('\n');
    return Error{concat("the config is not right",
                        line_end == std::string::npos ? ": " + problems : problems.substr(line_end))};
  }

  Result<void> make_rootfs() {
    if (plan_.kind != ImageKind::rootfs) return {};
    files_.rootfs = disk_image_name(plan_);
    workshop_.on_step("making the root file system");
    if (auto made =
            make_disk_image(tree_, plan_, concat(folder_, '/', files_.rootfs), spool_, workshop_.time);
        !made)
      return made;
    // What mounts it has kestrel and modules, and nothing else.
    tree_ = Tree();
    return add_mount_points(tree_);
  }

  Result<void> make_initramfs() {
    if (auto added = add_init(tree_, workshop_); !added) return added;
    std::vector<std::string> needs = plan_.needs;
    if (plan_.kind == ImageKind::rootfs) {
      needs.emplace_back("blk");
      if (is_overlaid(plan_))
        needs.insert(needs.end(), {std::string(name_of(plan_.disk_file_system)), "overlay"});
      if (auto added = add_file_system_check(tree_); !added) return added;
    }
    if (!workshop_.modules.empty()) {
      if (auto added = add_modules(tree_, workshop_.modules, needs); !added) return added;
    }
    const bool is_gzip = plan_.compression == Compression::gzip;
    files_.initramfs = is_gzip ? "initramfs.cpio.gz" : "initramfs.cpio.zst";
    workshop_.on_step("packing the initramfs");
    return pack_initramfs(tree_, concat(folder_, '/', files_.initramfs), plan_.compression, workshop_.time);
  }

  Result<void> place_kernel() {
    std::error_code failed;
    const std::string place = folder_ + "/vmlinux";
    const auto real = fs::canonical(workshop_.kernel, failed);
    if (!failed) fs::create_hard_link(real, place, failed);
    if (!failed) return {};
    failed.clear();
    fs::copy_file(workshop_.kernel, place, failed);
    if (failed) return Error{concat("cannot copy the kernel ", workshop_.kernel, ": ", failed.message())};
    return {};
  }

  Result<void> write_manifest() {
    for (const std::string& name : {std::string("vmlinux"), files_.initramfs, files_.rootfs}) {
      if (name.empty()) continue;
      const auto digest = digest_of_file(concat(folder_, '/', name));
      if (!digest) return digest.error();
      files_.digests[name] = *digest;
    }
    files_.has_virtio_console = has_built_in(workshop_.modules, {"virtio_mmio", "virtio_console"});
    Tool version;
    version.command = {workshop_.kestrel, "--version"};
    const auto printed = run_tool(version);
    if (!printed) return printed.error();
    const std::string_view line = trim(*printed);
    const std::string text = make_manifest(plan_, files_, line.substr(line.rfind(' ') + 1));
    const std::string path = concat(folder_, '/', manifest_file);
    const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.is_open() || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      return errno_error(concat("cannot write ", path), errno);
    return {};
  }

  /// The manifest comes first, so that who reads the archive knows soon what to do with the rest.
  Result<void> write_archive(const std::string& output) {
    workshop_.on_step(concat("writing ", output));
    const std::string path = spool_.path("image.tar.gz");
    auto writer = ArchiveWriter::create(path, ArchiveForm::tar_gzip);
    if (!writer) return writer.error();
    std::vector<std::string> names = {std::string(manifest_file)};
    for (const auto& [name, digest] : files_.digests) names.push_back(name);
    for (const std::string& name : names) {
      const std::string source = concat(folder_, '/', name);
      const auto size = size_of(source);
      if (!size) return size.error();
      ArchiveMember member;
      member.name = name;
      member.size = *size;
      member.mtime = workshop_.time;
      member.mode = 0644;
      if (auto added = writer->add_file(member, source); !added) return added;
    }
    if (auto finished = writer->finish(); !finished) return finished;
    if (::rename(path.c_str(), output.c_str()) != 0)
      return errno_error(concat("cannot write ", output), errno);
    return {};
  }

  /// The old one takes the new one's place in the spool, and goes with that.
  Result<void> replace_folder(const std::string& output) {
    const bool is_there = ::access(output.c_str(), F_OK) == 0;
    std::error_code failed;
    if (is_there && !fs::exists(concat(output, '/', manifest_file), failed) && !fs::is_empty(output, failed))
      return Error{concat("cannot replace ", output, ": it is not an image")};
    if (::renameat2(AT_FDCWD, folder_.c_str(), AT_FDCWD, output.c_str(), is_there ? RENAME_EXCHANGE : 0) != 0)
      return errno_error(concat("cannot write ", output), errno);
    return {};
  }

  const BuildPlan& plan_;
  const Workshop& workshop_;
  Spool spool_;
  Tree tree_;
  std::string folder_;  ///< of the image's files
  ManifestFiles files_;
};

}  // namespace

Result<void> build_image(const BuildPlan& plan, const Workshop& workshop, const std::string& output) {
  if (auto checked = check_plan(plan); !checked) return checked;
  const std::string parent = fs::absolute(output).parent_path().string();
  std::error_code failed;
  fs::create_directories(parent, failed);
  auto spool = Spool::create(parent);
  if (!spool) return spool.error();
  return Build(plan, workshop, std::move(*spool)).run(output);
}

}  // namespace kestrel::hostd
