#include "hostd/build/plan_sources.h"

#include <unistd.h>

#include <filesystem>

#include "hostd/build/tree_sources.h"
#include "hostd/tool.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

namespace fs = std::filesystem;
using Kind = BuildSource::Kind;
using Process = std::optional<OciProcess>;

std::string absolute(const std::string& path) { return fs::absolute(path).lexically_normal().string(); }

bool is_empty_folder(const std::string& path) {
  std::error_code failed;
  return fs::is_empty(path, failed);
}

/// What a script may leave in its folder instead of filling $ROOTFS.
Result<void> add_leftovers(Tree& tree, const std::string& folder, Spool& spool) {
  std::error_code failed;
  if (fs::is_directory(folder + "/rootfs", failed)) return add_from_host(tree, folder + "/rootfs", "");
  for (const char* name : {"initramfs.cpio.gz", "initramfs.cpio.zst", "initramfs.cpio"}) {
    const std::string path = concat(folder, '/', name);
    if (fs::exists(path, failed)) return add_archive(tree, path, spool);
  }
  return Error{"it has left neither files in $ROOTFS, nor a folder rootfs, nor an initramfs.cpio.gz"};
}

Result<Process> add_script(Tree& tree, const BuildPlan& plan, const Workshop& workshop, Spool& spool) {
  const std::string folder = absolute(plan.folder);
  const std::string script =
      plan.source.path.starts_with('/') ? plan.source.path : absolute(concat(folder, '/', plan.source.path));
  const auto rootfs = spool.make_folder("rootfs");
  if (!rootfs) return rootfs.error();
  Tool tool;
  tool.command = {script};
  // One that was fetched without its mode.
  if (::access(script.c_str(), F_OK) == 0 && ::access(script.c_str(), X_OK) != 0)
    tool.command = {"bash", script};
  tool.working_dir = folder;
  tool.environment = {concat("ROOTFS=", *rootfs), concat("KESTREL=", workshop.kestrel),
                      concat("SOURCE_DATE_EPOCH=", workshop.time)};
  tool.is_shown = true;
  workshop.on_step(concat("running ", plan.source.path));
  if (const auto ran = run_tool(tool); !ran) return ran.error();
  const auto added =
      is_empty_folder(*rootfs) ? add_leftovers(tree, folder, spool) : add_from_host(tree, *rootfs, "");
  if (!added) return added.error().in(concat("cannot use what ", plan.source.path, " has made"));
  return Process();
}

Result<Process> add_layout(Tree& tree, const std::string& path, const Workshop& workshop, Spool& spool) {
  workshop.on_step("unpacking the container image");
  auto process = add_oci_layout(tree, path, spool);
  if (!process) return process.error();
  return Process(std::move(*process));
}

/// buildah's storage and isolation are the user's affair ($STORAGE_DRIVER, $BUILDAH_ISOLATION).
Result<Process> add_dockerfile(Tree& tree, const BuildPlan& plan, const Workshop& workshop, Spool& spool) {
  const std::string file = absolute(plan.source.path);
  const std::string context =
      plan.source.context.empty() ? fs::path(file).parent_path().string() : absolute(plan.source.context);
  const std::string tag = concat("localhost/kestrel-build-", plan.name, ':', plan.version);
  Tool build;
  build.command = {"buildah", "build", "--file", file, "--tag", tag};
  if (!plan.source.target.empty())
    build.command.insert(build.command.end(), {"--target", plan.source.target});
  for (const auto& [key, value] : plan.source.arguments)
    build.command.insert(build.command.end(), {"--build-arg", concat(key, '=', value)});
  build.command.push_back(context);
  build.is_shown = true;
  workshop.on_step(concat("building ", plan.source.path));
  if (const auto built = run_tool(build); !built) return built.error();
  const std::string layout = spool.path("oci");
  if (const auto pushed = run_tool({.command = {"buildah", "push", tag, concat("oci:", layout, ":latest")},
                                    .working_dir = "/",
                                    .environment = {},
                                    .is_shown = false});
      !pushed)
    return pushed.error();
  return add_layout(tree, layout, workshop, spool);
}

Result<Process> add_reference(Tree& tree, const BuildPlan& plan, const Workshop& workshop, Spool& spool) {
  const std::string& reference = plan.source.path;
  // skopeo's own transports have a colon too, and no dot or slash before it.
  const bool has_transport = reference.find("://") != std::string::npos || reference.starts_with("oci:") ||
                             reference.starts_with("dir:") || reference.starts_with("docker-archive:") ||
                             reference.starts_with("oci-archive:");
  const std::string layout = spool.path("oci");
  workshop.on_step(concat("fetching ", reference));
  if (const auto copied =
          run_tool({.command = {"skopeo", "copy", concat(has_transport ? "" : "docker://", reference),
                                concat("oci:", layout, ":latest")},
                    .working_dir = "/",
                    .environment = {},
                    .is_shown = true});
      !copied)
    return copied.error();
  return add_layout(tree, layout, workshop, spool);
}

Result<Process> add_path(Tree& tree, const BuildPlan& plan, const Workshop& workshop, Spool& spool) {
  const std::string& path = plan.source.path;
  std::error_code failed;
  if (!fs::exists(path, failed)) return Error{concat("cannot build from ", path, ": it is not there")};
  const std::string name = fs::path(path).filename().string();
  Result<void> added;
  if (fs::is_directory(path, failed)) {
    if (is_oci_layout(path)) return add_layout(tree, path, workshop, spool);
    added = add_from_host(tree, path, "");
  } else if (name.starts_with("Dockerfile") || name.ends_with("Dockerfile") ||
             name.starts_with("Containerfile")) {
    return add_dockerfile(tree, plan, workshop, spool);
  } else {
    workshop.on_step(concat("unpacking ", path));
    added = add_archive(tree, path, spool);
  }
  if (!added) return added.error();
  return Process();
}

}  // namespace

Result<Process> add_source(Tree& tree, const BuildPlan& plan, const Workshop& workshop, Spool& spool) {
  switch (plan.source.kind) {
    case Kind::none:
      return Process();
    case Kind::path:
      return add_path(tree, plan, workshop, spool);
    case Kind::script:
      return add_script(tree, plan, workshop, spool);
    case Kind::dockerfile:
      return add_dockerfile(tree, plan, workshop, spool);
    case Kind::reference:
      return add_reference(tree, plan, workshop, spool);
  }
  return Process();
}

}  // namespace kestrel::hostd
