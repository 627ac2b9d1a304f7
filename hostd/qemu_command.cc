#include "hostd/qemu_command.h"

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// Everything that QEMU can translate, but the promise that copying byte by byte (`rep movsb`) is fast: a
/// kernel that believes it copies at a third of the speed, for translated it is a loop that moves one byte a
/// turn.
constexpr const char* translated_cpu = "max,-erms";

/// A socket that QEMU finds open under a number. `server=off` chardevs never reconnect, and none has to.
std::string inherited_socket(std::string_view id, int fd) { return concat("socket,id=", id, ",fd=", fd); }

std::string path_of(int fd, const std::string& path) { return fd < 0 ? path : concat("/proc/self/fd/", fd); }

}  // namespace

std::string kernel_arguments(const VmSpec& spec, const VmmFacts& facts) {
  std::vector<std::string> arguments = {
      // The UART (at the address of a PC's first) serves from the first instruction on. Each byte is an exit
      // to QEMU there; virtio's console takes many at a time.
      spec.has_virtio_console ? "console=hvc0 earlycon=uart8250,io,0x3f8" : "console=ttyS0",
      // The kernel's banner, as its first sign of life, then notices, warnings and panics. The flood of
      // informational lines would cost a tenth of a boot on a translated UART.
      "loglevel=6",
      // A panic resets at once, by triple fault, which -no-reboot turns into QEMU's end: the runner need not
      // guess.
      "panic=-1",
      "reboot=t",
      // The initramfs unpacks into a file system without a limit of its own. The default, tmpfs, takes at
      // most half of the memory: an image that fills more than that would come up without its /init.
      "rootfstype=ramfs",
      // The self tests of the crypto modules are a quarter of a translated boot.
      "cryptomgr.notests",
      concat("kestrel.link=vsock:2:", facts.vsock.link_port),
  };
  if (!facts.uses_kvm) {
    // microvm has nothing to calibrate the counter against: without this, one translated boot in seven hangs
    // for ever.
    if (facts.tsc_khz != 0) arguments.push_back(concat("tsc_early_khz=", facts.tsc_khz));
    // A translated guest on a busy host loses timer ticks; a kernel that measures the counter against them
    // would take the counter for broken and fall back to a clock of 4 ms steps.
    arguments.emplace_back("tsc=reliable");
    // Each change of process costs a translated guest its cache of addresses: a kernel that lets whoever it
    // wakes interrupt it in the middle of a packet or a copy takes half as long again to receive a stream.
    arguments.emplace_back("preempt=none");
  }
  if (!spec.append.empty()) arguments.push_back(spec.append);
  return join(arguments, " ");
}

std::vector<std::string> qemu_command(const VmSpec& spec, const VmmFacts& facts) {
  const std::uint64_t memory_mib = spec.memory.count >> 20;
  std::vector<std::string> argv = {
      spec.program,
      "-nodefaults",
      "-no-user-config",
      "-display",
      "none",
      // A guest that resets or powers off ends QEMU; whether to boot again is the runner's decision.
      "-no-reboot",
      "-name",
      concat(spec.name, ",process=kestrel-vm"),
      "-M",
      "microvm,memory-backend=ram",
      "-accel",
      facts.uses_kvm ? "kvm" : "tcg",
      "-cpu",
      facts.uses_kvm ? "host" : translated_cpu,
      "-smp",
      concat(spec.cpus),
      "-m",
      concat(memory_mib, "M"),
      // A vsock device of ours maps the guest's memory: it must be a shared descriptor.
      "-object",
      concat("memory-backend-memfd,id=ram,size=", memory_mib, "M,share=on"),
      "-kernel",
      path_of(facts.kernel_fd, spec.kernel),
      "-initrd",
      path_of(facts.initramfs_fd, spec.initramfs),
      "-append",
      kernel_arguments(spec, facts),
      "-chardev",
      concat(inherited_socket("console", facts.console_fd), spec.has_virtio_console ? ",mux=on" : ""),
      "-serial",
      "chardev:console",
      "-chardev",
      inherited_socket("runner", facts.qmp_fd),
      "-mon",
      "chardev=runner,mode=control",
      // QEMU gives up fork, exec, and privileged system calls.
      "-sandbox",
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
  };
  for (std::string& option : vsock_options(facts.vsock)) argv.push_back(std::move(option));
  if (spec.has_virtio_console) {
    argv.insert(argv.end(),
                {"-device", "virtio-serial-device,max_ports=1", "-device", "virtconsole,chardev=console"});
  }
  for (std::string& option : disk_options(all_disks(spec), facts.disk_fds)) argv.push_back(std::move(option));
  for (std::string& option : network_options(spec.network, facts.card)) argv.push_back(std::move(option));
  if (facts.people_fd >= 0) {
    argv.insert(argv.end(),
                {"-chardev", concat(inherited_socket("people", facts.people_fd), ",server=on,wait=off"),
                 "-mon", "chardev=people,mode=control"});
  }
  return argv;
}

}  // namespace kestrel::hostd
