#include "hostd/qemu_command.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

VmSpec example() {
  VmSpec spec;
  spec.name = "site";
  spec.program = "qemu-system-x86_64";
  spec.kernel = "/k";
  spec.initramfs = "/i";
  spec.memory = mebibytes(128);
  return spec;
}

VmmFacts facts_for(bool uses_kvm) {
  VmmFacts facts;
  facts.uses_kvm = uses_kvm;
  facts.tsc_khz = 2596122;
  facts.vsock.fd = 7;
  facts.console_fd = 8;
  facts.qmp_fd = 9;
  return facts;
}

/// The value behind an option, or "" where it is not given.
std::string value_of(const std::vector<std::string>& argv, const std::string& option) {
  const auto at = std::find(argv.begin(), argv.end(), option);
  return at == argv.end() || at + 1 == argv.end() ? "" : *(at + 1);
}

}  // namespace

TEST_CASE("the command for TCG, as a whole", "[hostd]") {
  const std::vector<std::string> expected = {
      "qemu-system-x86_64",
      "-nodefaults",
      "-no-user-config",
      "-display",
      "none",
      "-no-reboot",
      "-name",
      "site,process=kestrel-vm",
      "-M",
      "microvm,memory-backend=ram",
      "-accel",
      "tcg",
      "-cpu",
      "max,-erms",
      "-smp",
      "1",
      "-m",
      "128M",
      "-object",
      "memory-backend-memfd,id=ram,size=128M,share=on",
      "-kernel",
      "/k",
      "-initrd",
      "/i",
      "-append",
      "console=ttyS0 loglevel=6 panic=-1 reboot=t rootfstype=ramfs cryptomgr.notests "
      "kestrel.link=vsock:2:1024 "
      "tsc_early_khz=2596122 tsc=reliable preempt=none",
      "-chardev",
      "socket,id=console,fd=8",
      "-serial",
      "chardev:console",
      "-chardev",
      "socket,id=runner,fd=9",
      "-mon",
      "chardev=runner,mode=control",
      "-sandbox",
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-chardev",
      "socket,id=vsock,fd=7",
      "-device",
      "vhost-user-vsock-device,chardev=vsock",
  };
  CHECK(qemu_command(example(), facts_for(false)) == expected);
}

TEST_CASE("a kernel with a virtio console prints there, and on the UART only until it has that", "[hostd]") {
  VmSpec spec = example();
  spec.has_virtio_console = true;
  const auto argv = qemu_command(spec, facts_for(false));
  CHECK(value_of(argv, "-append").starts_with("console=hvc0 earlycon=uart8250,io,0x3f8 "));
  CHECK(value_of(argv, "-chardev") == "socket,id=console,fd=8,mux=on");
  CHECK(value_of(argv, "-serial") == "chardev:console");
  CHECK(std::find(argv.begin(), argv.end(), "virtconsole,chardev=console") != argv.end());
}

TEST_CASE("KVM brings its own processor and clock", "[hostd]") {
  const auto argv = qemu_command(example(), facts_for(true));
  CHECK(value_of(argv, "-accel") == "kvm");
  CHECK(value_of(argv, "-cpu") == "host");
  CHECK(value_of(argv, "-append").find("tsc") == std::string::npos);
}

TEST_CASE("the kernel's vsock device is handed over with its CID, and the guest told where its host listens",
          "[hostd]") {
  VmmFacts facts = facts_for(false);
  facts.vsock = {.fd = 7, .kernel_cid = 1073741900, .link_port = 3004567890};
  const auto argv = qemu_command(example(), facts);
  CHECK(value_of(argv, "-device") == "vhost-vsock-device,vhostfd=7,guest-cid=1073741900");
  CHECK(std::count(argv.begin(), argv.end(), "socket,id=vsock,fd=7") == 0);
  CHECK(value_of(argv, "-append").find(" kestrel.link=vsock:2:3004567890 ") != std::string::npos);
}

TEST_CASE("an unknown counter speed is not made up", "[hostd]") {
  VmmFacts facts = facts_for(false);
  facts.tsc_khz = 0;
  CHECK(kernel_arguments(example(), facts).find("tsc_early_khz") == std::string::npos);
}

TEST_CASE("the user's kernel arguments come last, so that they win", "[hostd]") {
  VmSpec spec = example();
  spec.append = "loglevel=7 rdinit=/bin/sh";
  CHECK(kernel_arguments(spec, facts_for(true)).ends_with(" loglevel=7 rdinit=/bin/sh"));
}

TEST_CASE("files that QEMU could not open it gets open, and people's monitor is theirs to find", "[hostd]") {
  VmmFacts facts = facts_for(false);
  facts.kernel_fd = 10;
  facts.initramfs_fd = 11;
  facts.people_fd = 12;
  const auto argv = qemu_command(example(), facts);
  CHECK(value_of(argv, "-kernel") == "/proc/self/fd/10");
  CHECK(value_of(argv, "-initrd") == "/proc/self/fd/11");
  CHECK(std::vector<std::string>(argv.end() - 4, argv.end()) ==
        std::vector<std::string>{"-chardev", "socket,id=people,fd=12,server=on,wait=off", "-mon",
                                 "chardev=people,mode=control"});
}
