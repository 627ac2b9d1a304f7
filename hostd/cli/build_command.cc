#include "hostd/cli/build_command.h"

#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "hostd/build/fledge_file.h"
#include "hostd/cli/failure.h"
#include "hostd/cli/run_options.h"
#include "hostd/image.h"
#include "hostd/own_folder.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_there(const std::string& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

/// The first of these that is there; empty: none is.
std::string first_there(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (!path.empty() && is_there(path)) return path;
  }
  return {};
}

Result<std::string> find_kestrel(const BuildOptions& options) {
  if (!options.kestrel.empty()) {
    if (is_there(options.kestrel)) return fs::absolute(options.kestrel).string();
    return Error{concat("cannot use ", options.kestrel, " as the image's init: it is not there")};
  }
  std::string found = find_installed({"kestrel", "../lib/kestrel/kestrel"});
  if (found.empty()) return Error{"cannot find kestrel, which becomes the image's init; give --kestrel"};
  return found;
}

/// Where a kernel's modules are, as `make` and as distributions lay them out.
std::string modules_of(const std::string& kernel) {
  const fs::path path(kernel);
  const std::string folder = path.parent_path().string();
  const std::string name = path.filename().string();
  const std::string version = name.starts_with("vmlinuz-") ? name.substr(8) : "";
  return first_there(
      {folder + "/modules", version.empty() ? "" : concat(folder, "/../lib/modules/", version)});
}

Result<Workshop> find_workshop(const BuildOptions& options) {
  Workshop workshop;
  const auto kestrel = find_kestrel(options);
  if (!kestrel) return kestrel.error();
  workshop.kestrel = *kestrel;
  // The lean one, where `make kernel` has built it, before the distribution's.
  const std::string own =
      find_installed({"lean-kernel/vmlinux", "kernel/vmlinux", "../lib/kestrel/kernel/vmlinux"});
  const std::string fallback = variable("KESTREL_KERNEL").empty() ? own : variable("KESTREL_KERNEL");
  const auto kernel = choose_kernel(options.kernel, Image{}, fallback);
  if (!kernel) return kernel.error();
  workshop.kernel = *kernel;
  workshop.modules = options.modules.empty() ? modules_of(options.kernel.empty() ? fallback : options.kernel)
                                             : options.modules;
  workshop.time = parse_integer(variable("SOURCE_DATE_EPOCH")).value_or(0);
  workshop.checks_config = !options.is_unchecked;
  if (!options.is_quiet) {
    workshop.on_step = [](std::string_view step) {
      std::fputs(concat("kestrelctl: ", printable(step), '\n').c_str(), stderr);
    };
  }
  return workshop;
}

Result<BuildPlan> read_plan(const BuildOptions& options) {
  if (options.file.empty() && !options.from.empty()) return BuildPlan{};
  const std::string path = options.file.empty() ? "fledge.toml" : options.file;
  const auto text = sys::read_file(path);
  if (!text) return text.error();
  auto plan = parse_fledge_file(*text, path);
  if (!plan) return plan.error();
  const std::string beside = plan->folder + "/manifest.toml";
  const std::string manifest = options.manifest.empty() && is_there(beside) ? beside : options.manifest;
  if (manifest.empty()) return plan;
  const auto more = sys::read_file(manifest);
  if (!more) return more.error();
  if (const auto added = add_manifest_toml(*more, manifest, *plan); !added) return added.error();
  return plan;
}

void take(const std::string& given, std::string& out) {
  if (!given.empty()) out = given;
}

Result<void> add_env(const std::vector<std::string>& variables, BuildPlan& plan) {
  for (const std::string& text : variables) {
    const auto parsed = parse_variable(text);
    if (!parsed) return parsed.error();
    plan.env[parsed->first] = parsed->second;
  }
  return {};
}

Result<void> add_sizes(const BuildOptions& options, BuildPlan& plan) {
  if (options.cpus != 0) plan.cpus = options.cpus;
  if (options.port > 65535) return Error{concat("cannot use --port ", options.port, ": it is not a port")};
  if (options.port != 0) {
    plan.workload_port = options.port;
    if (plan.workload_type.empty()) plan.workload_type = "http";
  }
  if (options.memory.empty()) return {};
  const auto memory = parse_bytes(options.memory);
  if (!memory || *memory < mebibytes(1))
    return Error{concat("cannot use --memory `", options.memory, "`: it is not a size such as 256M or 1G")};
  plan.memory_mebibytes = static_cast<std::uint32_t>(memory->count >> 20);
  return {};
}

/// `NAME-VERSION.tar.gz` is also called `NAME.tar.gz`: so scripts need not know the version.
Result<void> link_without_version(const BuildPlan& plan, const std::string& output) {
  std::error_code failed;
  const std::string link = plan.name + ".tar.gz";
  if (fs::is_symlink(fs::symlink_status(link, failed))) fs::remove(link, failed);
  if (is_there(link)) return {};
  fs::create_symlink(output, link, failed);
  if (failed) return Error{concat("cannot make the link ", link, ": ", failed.message())};
  return {};
}

}  // namespace

Result<BuildPlan> make_plan(const BuildOptions& options) {
  auto plan = read_plan(options);
  if (!plan) return plan;
  if (!options.from.empty()) {
    plan->source.kind = BuildSource::Kind::path;
    plan->source.path = options.from;
  }
  take(options.name, plan->name);
  take(options.version, plan->version);
  take(options.config, plan->config);
  take(options.type, plan->workload_type);
  if (!options.needs.empty()) plan->needs = options.needs;
  plan->programs.insert(plan->programs.end(), options.programs.begin(), options.programs.end());
  plan->sysroots.insert(plan->sysroots.end(), options.sysroots.begin(), options.sysroots.end());
  if (options.is_rootfs) plan->kind = ImageKind::rootfs;
  if (!options.compression.empty())
    plan->compression = options.compression == "gzip" ? Compression::gzip : Compression::zstd;
  for (const auto file_system : {DiskFileSystem::ext4, DiskFileSystem::erofs, DiskFileSystem::squashfs}) {
    if (options.file_system == name_of(file_system)) plan->disk_file_system = file_system;
  }
  if (!options.format.empty())
    plan->disk_format = options.format == "raw" ? DiskImageFormat::raw : DiskImageFormat::qcow2;
  if (const auto added = add_env(options.env, *plan); !added) return added.error();
  if (const auto added = add_sizes(options, *plan); !added) return added.error();
  return plan;
}

int build_command(const BuildOptions& options) {
  const auto plan = make_plan(options);
  if (!plan) return fail(ExitCode::host_error, plan.error().message);
  const auto workshop = find_workshop(options);
  if (!workshop) return fail(ExitCode::host_error, workshop.error().message);
  const bool is_default = options.output.empty();
  const std::string output = is_default ? concat(plan->name, '-', plan->version, ".tar.gz") : options.output;
  if (const auto built = build_image(*plan, *workshop, output); !built)
    return fail(ExitCode::host_error, built.error().message);
  if (is_default) {
    if (const auto linked = link_without_version(*plan, output); !linked)
      return fail(ExitCode::host_error, linked.error().message);
  }
  std::puts(output.c_str());
  return 0;
}

}  // namespace kestrel::hostd
