#include "hostd/build/image_files.h"

#include <nlohmann/json.hpp>

#include "hostd/image.h"
#include "hostd/tool.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::ordered_json;

}  // namespace

Result<void> add_init(Tree& tree, const Workshop& workshop) {
  if (tree.find("init") != nullptr)
    return Error{"cannot put kestrel into the image: its files have an /init of their own"};
  if (auto added = tree.add("init", file_from(workshop.kestrel, 0755)); !added) return added;
  if (tree.find("bin/kestrel") != nullptr) return {};
  return tree.add("bin/kestrel", symlink_to("/init"));
}

Result<void> add_file_system_check(Tree& tree) {
  const auto found = find_tool("e2fsck.static");
  if (!found) return {};
  if (auto added = tree.add_folder("sbin", 0755); !added) return added;
  return tree.add("sbin/e2fsck", file_from(*found, 0755));
}

Result<void> add_mount_points(Tree& tree) {
  for (const char* folder : {"proc", "sys", "dev", "run"}) {
    if (auto added = tree.add_folder(folder, 0755); !added) return added;
  }
  return tree.add_folder("tmp", 01777);
}

Result<void> add_config(Tree& tree, const BuildPlan& plan, const std::optional<OciProcess>& process) {
  const bool has_own = tree.find(config_place) != nullptr;
  if (!plan.config.empty()) {
    if (has_own)
      return Error{concat("cannot use the config ", plan.config, ": the image's files have their own, /",
                          config_place)};
    return tree.add(config_place, file_from(plan.config, 0644));
  }
  if (has_own) return {};
  OciProcess started = process.value_or(OciProcess{});
  if (!plan.command.empty()) started.command = plan.command;
  if (started.command.empty())
    return Error{
        concat("the image has no config: name one, or have one at /", config_place, " in its files")};
  return tree.add(config_place, file_of(config_for(plan.name, started), 0644));
}

std::string config_for(const std::string& name, const OciProcess& process) {
  ordered_json service = {{"name", name}, {"command", process.command.front()}};
  if (process.command.size() > 1)
    service["args"] = std::vector<std::string>(process.command.begin() + 1, process.command.end());
  if (!process.working_dir.empty()) service["working_dir"] = process.working_dir;
  if (!process.user.empty()) service["user"] = process.user;
  for (const auto& [key, value] : process.env) service["env"].push_back({{"name", key}, {"value", value}});
  return ordered_json{{"exec", ordered_json::array({service})}}.dump(2, ' ', false,
                                                                     ordered_json::error_handler_t::replace) +
         "\n";
}

std::string make_manifest(const BuildPlan& plan, const ManifestFiles& files,
                          std::string_view kestrel_version) {
  ordered_json manifest = {{"name", plan.name}, {"version", plan.version}};
  if (!plan.description.empty()) manifest["description"] = plan.description;
  manifest["kestrel"] = kestrel_version;
  manifest["kernel"] = "vmlinux";
  if (files.has_virtio_console) manifest["console"] = virtio_console;
  manifest["initramfs"] = files.initramfs;
  if (!files.rootfs.empty()) {
    manifest["rootfs"] = files.rootfs;
    const bool is_qcow2 = !is_overlaid(plan) && plan.disk_format == DiskImageFormat::qcow2;
    manifest["rootfs_format"] = is_qcow2 ? "qcow2" : "raw";
    manifest["rootfs_type"] = name_of(plan.disk_file_system);
  }
  manifest["resources"] = {{"vcpu", plan.cpus.value_or(1)},
                           {"memory_mb", plan.memory_mebibytes.value_or(128)}};
  ordered_json workload;
  if (!plan.workload_type.empty()) workload["type"] = plan.workload_type;
  if (plan.workload_port) workload["port"] = *plan.workload_port;
  if (!plan.health_path.empty()) workload["health_path"] = plan.health_path;
  if (!workload.empty()) manifest["workload"] = workload;
  manifest["env"] = plan.env;
  manifest["checksums"] = files.digests;
  return manifest.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace kestrel::hostd
