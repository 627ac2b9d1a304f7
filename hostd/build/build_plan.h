// What is to be built: the value that a fledge.toml, or a command line, is turned into. Paths are absolute or
// relative to the working folder of whoever builds. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel::hostd {

enum class ImageKind {
  initramfs,  ///< everything in memory
  rootfs,     ///< a disk, which a small initramfs mounts
};
enum class Compression { zstd, gzip };
enum class DiskImageFormat { qcow2, raw };
/// Of a disk. The last two are compressed and only read; what a guest writes goes over them.
enum class DiskFileSystem { ext4, erofs, squashfs };
[[nodiscard]] std::string_view name_of(DiskFileSystem file_system);

/// Where an image's files come from.
struct BuildSource {
  enum class Kind {
    none,        ///< from mappings and programs alone
    path,        ///< a folder, an archive, an OCI layout or a Dockerfile, told by what is there
    script,      ///< a program that leaves them behind
    dockerfile,  ///< built by buildah
    reference,   ///< an image of a registry, or whatever skopeo reads
  };
  Kind kind = Kind::none;
  std::string path;     ///< or the reference
  std::string context;  ///< of a Dockerfile; empty: its folder
  std::string target;   ///< the stage of a Dockerfile; empty: the last
  std::map<std::string, std::string> arguments;
  friend bool operator==(const BuildSource&, const BuildSource&) = default;
};

struct BuildPlan {
  std::string name;
  std::string version;
  std::string description;
  ImageKind kind = ImageKind::initramfs;
  BuildSource source;
  std::string folder = ".";                     ///< where a script runs
  std::map<std::string, std::string> mappings;  ///< from a path here to one in the image
  std::vector<std::string> programs;            ///< PATH or PATH:PLACE, with the libraries that they need
  std::vector<std::string> sysroots;            ///< where to look for libraries before this host's own
  std::string config;                           ///< kestrel's; empty: the one in the image's files
  std::vector<std::string> command;  ///< the image's only service where it has no config; empty: none
  std::vector<std::string> needs = {"vsock"};  ///< module sets, or modules
  Compression compression = Compression::zstd;
  DiskFileSystem disk_file_system = DiskFileSystem::ext4;
  DiskImageFormat disk_format = DiskImageFormat::qcow2;  ///< of ext4; what is compressed itself is raw
  std::uint32_t spare_mebibytes = 100;                   ///< of ext4, beside what is in it
  std::optional<std::uint32_t> cpus;
  std::optional<std::uint32_t> memory_mebibytes;
  std::string workload_type;
  std::optional<std::uint32_t> workload_port;
  std::string health_path;
  std::map<std::string, std::string> env;
  friend bool operator==(const BuildPlan&, const BuildPlan&) = default;
};

/// Whether the image's disk is only read.
[[nodiscard]] inline bool is_overlaid(const BuildPlan& plan) {
  return plan.kind == ImageKind::rootfs && plan.disk_file_system != DiskFileSystem::ext4;
}

}  // namespace kestrel::hostd
