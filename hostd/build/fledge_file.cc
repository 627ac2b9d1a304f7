#include "hostd/build/fledge_file.h"

#include "hostd/build/toml_section.h"
#include "hostd/images/reference.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using Kind = BuildSource::Kind;

std::string folder_of_file(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// A path in the file, as whoever builds sees it.
class Paths {
 public:
  explicit Paths(std::string folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::string operator()(const std::string& path) const {
    if (path.empty() || path.starts_with('/') || folder_ == ".") return path;
    return concat(folder_, '/', path.starts_with("./") ? path.substr(2) : path);
  }

 private:
  std::string folder_;
};

void read_required(TomlSection& section, std::string_view key, std::string& out) {
  section.text(key, out);
  if (out.empty()) section.reject(key, "is missing");
}

void read_names(TomlSection& section, BuildPlan& plan) {
  if (!plan.name.empty() && !is_image_name(plan.name))
    section.reject("name", "may have lower case letters, digits, `.`, `_` and `-`");
  if (!plan.version.empty() && !is_image_version(plan.version))
    section.reject("version", "may have letters, digits, `.`, `_`, `-` and `+`");
}

void read_workload(TomlSection workload, BuildPlan& plan) {
  workload.text("type", plan.workload_type);
  workload.number("port", 1, 65535, plan.workload_port);
  workload.text("health_path", plan.health_path);
  workload.finish();
}

void read_resources(TomlSection resources, std::string_view cpus, BuildPlan& plan) {
  resources.number(cpus, 1, 1024, plan.cpus);
  resources.number("memory_mb", 16, 1 << 24, plan.memory_mebibytes);
  resources.finish();
}

void read_compression(TomlSection& section, BuildPlan& plan) {
  if (section.choice("compression", {"zstd", "gzip"}) == 1) plan.compression = Compression::gzip;
}

void read_format(TomlSection& section, BuildPlan& plan) {
  if (section.choice("format", {"qcow2", "raw"}) == 1) plan.disk_format = DiskImageFormat::raw;
}

void read_file_system(TomlSection& section, std::string_view key, BuildPlan& plan) {
  const int chosen = section.choice(key, {"ext4", "erofs", "squashfs"});
  if (chosen > 0) plan.disk_file_system = static_cast<DiskFileSystem>(chosen);
}

void read_spare(TomlSection& section, std::string_view key, BuildPlan& plan) {
  std::optional<std::uint32_t> spare;
  section.number(key, 0, 1 << 20, spare);
  plan.spare_mebibytes = spare.value_or(plan.spare_mebibytes);
}

void read_programs(TomlSection& runtime, const Paths& paths, BuildPlan& plan) {
  runtime.texts("programs", plan.programs);
  for (std::string& program : plan.programs) program = paths(program);
  runtime.texts("sysroots", plan.sysroots);
  for (std::string& sysroot : plan.sysroots) sysroot = paths(sysroot);
}

void read_runtime(TomlSection runtime, const Paths& paths, BuildPlan& plan) {
  const int type = runtime.choice("type", {"initramfs", "oci", "rootfs"});
  if (!runtime.has("type")) runtime.reject("type", "is missing");
  if (type > 0) plan.kind = ImageKind::rootfs;

  std::string script;
  std::string source;
  runtime.text("build_script", script);
  runtime.text("source", source);
  if (!script.empty() && !source.empty())
    runtime.reject("source", "is a second source of the image's files, beside `plugin.runtime.build_script`");
  if (!script.empty()) {
    plan.source = {.kind = Kind::script, .path = script, .context = {}, .target = {}, .arguments = {}};
  } else if (!source.empty()) {
    plan.source = {.kind = Kind::path, .path = paths(source), .context = {}, .target = {}, .arguments = {}};
  }
  runtime.text_map("build_args", plan.source.arguments);
  runtime.text("config", plan.config);
  plan.config = paths(plan.config);
  runtime.texts("needs", plan.needs);
  std::map<std::string, std::string> mappings;
  runtime.text_map("mappings", mappings);
  for (const auto& [from, to] : mappings) plan.mappings[paths(from)] = to;
  read_programs(runtime, paths, plan);
  read_compression(runtime, plan);
  read_file_system(runtime, "filesystem", plan);
  read_format(runtime, plan);
  read_spare(runtime, "size_buffer_mb", plan);
  runtime.finish();
}

void read_plugin(TomlSection plugin, const Paths& paths, BuildPlan& plan) {
  read_required(plugin, "name", plan.name);
  read_required(plugin, "version", plan.version);
  plugin.text("description", plan.description);
  read_names(plugin, plan);
  read_runtime(plugin.section("runtime"), paths, plan);
  TomlSection manifest = plugin.section("manifest");
  read_workload(manifest.section("workload"), plan);
  read_resources(manifest.section("resources"), "vcpu", plan);
  manifest.text_map("env", plan.env);
  manifest.finish();
  plugin.finish();
}

/// kestrel comes with the builder, of the same version; where else to get it from means nothing here.
void read_agent(TomlSection agent) {
  std::string ignored;
  for (const char* key : {"source_strategy", "version", "path", "url", "checksum"}) agent.text(key, ignored);
  agent.finish();
}

void read_init(TomlSection init) {
  for (const char* key : {"path", "none"}) {
    if (init.value(key) != nullptr)
      init.reject(key, "is not supported: kestrel is the image's init, and starts what its config names");
  }
  init.finish();
}

void read_source(TomlSection source, const Paths& paths, BuildPlan& plan) {
  std::string image;
  std::string dockerfile;
  source.text("image", image);
  source.text("dockerfile", dockerfile);
  if (!image.empty() && !dockerfile.empty())
    source.reject("image", "is a second source of the image's files, beside `source.dockerfile`");
  if (!dockerfile.empty()) {
    plan.source.kind = Kind::dockerfile;
    plan.source.path = paths(dockerfile);
  } else if (!image.empty()) {
    plan.source.kind = Kind::reference;
    plan.source.path = image;
  }
  source.text("context", plan.source.context);
  plan.source.context = paths(plan.source.context);
  source.text("target", plan.source.target);
  source.text_map("build_args", plan.source.arguments);
  for (const char* key : {"busybox_url", "busybox_sha256"}) {
    if (source.value(key) != nullptr)
      source.reject(key, "is not supported: nothing is downloaded; map a busybox of yours under `mappings`");
  }
  source.finish();
}

void read_filesystem(TomlSection filesystem, BuildPlan& plan) {
  read_file_system(filesystem, "type", plan);
  read_spare(filesystem, "size_buffer_mb", plan);
  bool is_preallocated = false;
  filesystem.flag("preallocate", is_preallocated);
  if (is_preallocated) plan.disk_format = DiskImageFormat::raw;
  filesystem.finish();
}

void read_first_version(TomlSection& top, const Paths& paths, BuildPlan& plan) {
  std::string version;
  read_required(top, "version", version);
  if (!version.empty() && version != "1") top.reject("version", "is not \"1\", the only one there is");
  const int strategy = top.choice("strategy", {"initramfs", "oci_rootfs"});
  if (!top.has("strategy")) top.reject("strategy", "is missing");
  if (strategy == 1) plan.kind = ImageKind::rootfs;
  read_agent(top.section("agent"));
  read_init(top.section("init"));
  read_source(top.section("source"), paths, plan);
  read_filesystem(top.section("filesystem"), plan);
  std::map<std::string, std::string> mappings;
  top.text_map("mappings", mappings);
  for (const auto& [from, to] : mappings) plan.mappings[paths(from)] = to;
}

/// One text, or a list of them.
void read_command(TomlSection& workload, std::vector<std::string>& command) {
  std::string program;
  const TomlValue* entry = workload.value("entrypoint");
  if (entry != nullptr && std::holds_alternative<std::string>(entry->data)) {
    workload.text("entrypoint", program);
    command = {program};
  } else {
    workload.texts("entrypoint", command);
  }
  std::vector<std::string> arguments;
  workload.texts("args", arguments);
  command.insert(command.end(), arguments.begin(), arguments.end());
}

void read_network(TomlSection network, BuildPlan& plan) {
  std::string mode;
  network.text("mode", mode);
  const TomlValue* expose = network.value("expose");
  const auto* ports = expose == nullptr ? nullptr : std::get_if<TomlArray>(&expose->data);
  if (ports != nullptr && !ports->empty()) {
    TomlProblems ignored;
    TomlSection(ports->front(), {}, ignored).number("port", 1, 65535, plan.workload_port);
  }
  network.finish();
}

}  // namespace

Result<BuildPlan> parse_fledge_file(std::string_view text, const std::string& path) {
  const auto document = read_toml(text, path);
  if (!document) return document.error();
  BuildPlan plan;
  plan.folder = folder_of_file(path);
  const Paths paths(plan.folder);
  TomlProblems problems;
  TomlSection top(*document, {}, problems);
  if (top.has("plugin")) {
    read_plugin(top.section("plugin"), paths, plan);
  } else if (top.has("strategy")) {
    read_first_version(top, paths, plan);
  } else {
    return Error{concat(path, ":1:1: it has neither [plugin] nor `strategy`")};
  }
  top.finish();
  if (!problems.is_empty()) return Error{problems.text(path)};
  return plan;
}

Result<void> add_manifest_toml(std::string_view text, const std::string& path, BuildPlan& plan) {
  const auto document = read_toml(text, path);
  if (!document) return document.error();
  TomlProblems problems;
  TomlSection top(*document, {}, problems);
  std::string ignored;
  for (const char* key : {"schema_version", "runtime"}) top.text(key, ignored);
  read_required(top, "name", plan.name);
  read_required(top, "version", plan.version);
  top.text("description", plan.description);
  read_names(top, plan);
  read_resources(top.section("resources"), "cpu_cores", plan);
  TomlSection workload = top.section("workload");
  workload.text("type", plan.workload_type);
  read_command(workload, plan.command);
  workload.finish();
  top.text_map("env", plan.env);
  read_network(top.section("network"), plan);
  static_cast<void>(top.value("actions"));
  top.finish();
  if (!problems.is_empty()) return Error{problems.text(path)};
  return {};
}

Result<void> check_plan(const BuildPlan& plan) {
  if (plan.name.empty()) return Error{"cannot build an image: it has no name; give --name"};
  if (!is_image_name(plan.name))
    return Error{concat("cannot build an image named `", plan.name,
                        "`: a name has lower case letters, digits, `.`, `_` and `-`")};
  if (plan.version.empty()) return Error{"cannot build an image: it has no version; give --version"};
  if (!is_image_version(plan.version))
    return Error{concat("cannot build version `", plan.version,
                        "`: a version has letters, digits, `.`, `_`, `-` and `+`")};
  return {};
}

}  // namespace kestrel::hostd
