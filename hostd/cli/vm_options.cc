#include "hostd/cli/vm_options.h"

#include <CLI/CLI.hpp>

namespace kestrel::hostd {

void add_vm_options(CLI::App& command, RunOptions& options) {
  command.add_option("-e,--env", options.env, "KEY=VALUE for the guest, or KEY to pass on one's own")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--env-file", options.env_files, "file with one KEY=VALUE a line")
      ->type_name("FILE")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option("--cloud-init", options.user_data_file,
                  "cloud-config for the guest: files, commands, a name")
      ->type_name("FILE");
  command
      .add_option("--network", options.vm.network,
                  "the guest's way out beside its published ports (default: $KESTREL_NETWORK, else none)")
      ->type_name("none|user|bridge=NAME");
  command.add_option("-m,--memory", options.vm.memory, "such as 256M or 1G (default: the image's)");
  command.add_option("--cpus", options.vm.cpus, "number of processors (default: the image's)");
  command
      .add_option("--kernel", options.vm.kernel, "guest kernel (default: the image's, else $KESTREL_KERNEL)")
      ->type_name("FILE");
  command.add_option("--append", options.vm.append, "further kernel arguments");
  command.add_option("--hostname", options.vm.hostname, "the guest's host name");
  command.add_option("--accel", options.vm.accel, "default: $KESTREL_ACCEL, else auto")
      ->type_name("auto|kvm|tcg");
  command
      .add_option("--vsock", options.vm.vsock,
                  "the guest's way to the host: the kernel's device, or the runner's own (default: "
                  "$KESTREL_VSOCK, else auto)")
      ->type_name("auto|native|user");
  command
      .add_option("--vmm", options.vm.vmm, "QEMU's program (default: $KESTREL_QEMU, else qemu-system-x86_64)")
      ->type_name("FILE");
  command.add_option("--boot-timeout", options.vm.boot_timeout,
                     "how long the guest has until its hello (default: 30s)");
  command.add_option("--shutdown-timeout", options.vm.shutdown_timeout,
                     "how long it has to shut down (default: 45s)");
}

}  // namespace kestrel::hostd
