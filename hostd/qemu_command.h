// From a VM's spec to QEMU's command line. Pure; every option's reason stands beside it in the .cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hostd/qemu_devices.h"
#include "hostd/vm_spec.h"

namespace kestrel::hostd {

/// What the spec leaves open and only the host knows at the moment of the start.
struct VmmFacts {
  bool uses_kvm = false;
  /// How fast the host's time stamp counter runs; 0 where it cannot be known. Under TCG it is the guest's
  /// too.
  std::uint32_t tsc_khz = 0;
  /// Files that QEMU inherits open; -1: it opens them itself, by the spec's paths.
  int kernel_fd = -1;
  int initramfs_fd = -1;
  VsockFacts vsock;
  /// Descriptors that QEMU inherits: its ends of connected Unix stream sockets.
  int console_fd = -1;  ///< the guest's serial console
  int qmp_fd = -1;      ///< the runner's own monitor
  /// The files of all_disks(), in their order.
  std::vector<DiskFds> disk_fds;
  CardFacts card;
  /// What it has open without knowing, for the locks on them.
  std::vector<int> held_fds;
  int people_fd = -1;  ///< a listening socket: a second monitor, for people; -1: none
};

[[nodiscard]] std::string kernel_arguments(const VmSpec& spec, const VmmFacts& facts);

/// argv, with the program's name as its first element.
[[nodiscard]] std::vector<std::string> qemu_command(const VmSpec& spec, const VmmFacts& facts);

}  // namespace kestrel::hostd
