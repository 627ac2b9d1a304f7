#include <CLI/CLI.hpp>
#include <memory>

#include "hostd/cli/build_command.h"

namespace kestrel::hostd {

namespace {

CLI::Option* add_list(CLI::App* build, const char* name, std::vector<std::string>& out,
                      const char* description) {
  return build->add_option(name, out, description)->take_all()->allow_extra_args(false);
}

void add_sources(CLI::App* build, BuildOptions& options) {
  build->add_option("-f,--file", options.file, "what to build (default: fledge.toml)")->type_name("FILE");
  build->add_option("--manifest", options.manifest, "default: the manifest.toml beside it, if there is one")
      ->type_name("FILE");
  build
      ->add_option(
          "--from", options.from,
          "a folder, an archive, an OCI layout or a Dockerfile, in place of what the fledge.toml names")
      ->type_name("FILE");
  build
      ->add_option("-o,--output", options.output,
                   "default: NAME-VERSION.tar.gz; without .tar.gz it is a folder")
      ->type_name("FILE");
  build->add_option("--config", options.config, "kestrel's, unless the files have one")->type_name("FILE");
  build->add_option("--name", options.name, "the image's name");
  build->add_option("--version", options.version, "the image's version");
}

void add_parts(CLI::App* build, BuildOptions& options) {
  build->add_option("--kestrel", options.kestrel, "the image's init (default: the one beside this program)")
      ->type_name("FILE");
  build->add_option("--kernel", options.kernel, "guest kernel (default: $KESTREL_KERNEL)")->type_name("FILE");
  build->add_option("--modules", options.modules, "its lib/modules/VERSION (default: as it lies beside it)")
      ->type_name("DIR");
  build->add_option("--needs", options.needs, "kernel modules, or sets of them (default: vsock)")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_list(build, "--program", options.programs, "PATH[:PLACE], a program with its shared libraries");
  add_list(build, "--sysroot", options.sysroots, "where to look for libraries before this host")
      ->type_name("DIR");
  build->add_flag("--rootfs", options.is_rootfs, "a disk with the files, not an initramfs");
  build
      ->add_option("--filesystem", options.file_system,
                   "of a disk (default: ext4); the others are only read, and what a VM writes goes over them")
      ->type_name("ext4|erofs|squashfs")
      ->check(CLI::IsMember({"ext4", "erofs", "squashfs"}).description(""));
  build->add_option("--compression", options.compression, "of an initramfs (default: zstd)")
      ->type_name("zstd|gzip")
      ->check(CLI::IsMember({"zstd", "gzip"}).description(""));
  build->add_option("--format", options.format, "of a disk with ext4 (default: qcow2)")
      ->type_name("qcow2|raw")
      ->check(CLI::IsMember({"qcow2", "raw"}).description(""));
}

void add_defaults(CLI::App* build, BuildOptions& options) {
  add_list(build, "-e,--env", options.env, "KEY=VALUE, a default of the VM's environment");
  build->add_option("-m,--memory", options.memory, "of a VM, such as 256M (default: 128M)");
  build->add_option("--cpus", options.cpus, "of a VM (default: 1)");
  build->add_option("--port", options.port, "where the workload listens");
  build->add_option("--type", options.type, "what it speaks there (default: http)");
  build->add_flag("--no-check", options.is_unchecked, "take the config as it is");
  build->add_flag("-q,--quiet", options.is_quiet, "do not tell the steps");
}

}  // namespace

void add_build_command(CLI::App& app, std::function<int()>& action) {
  const auto options = std::make_shared<BuildOptions>();
  CLI::App* build = app.add_subcommand("build", "Build an image");
  build->footer("The same input makes the same bytes; all times are $SOURCE_DATE_EPOCH, or 0.");
  add_sources(build, *options);
  add_parts(build, *options);
  add_defaults(build, *options);
  build->callback([options, &action] { action = [options] { return build_command(*options); }; });
}

}  // namespace kestrel::hostd
