// What one VM is: the value that a command line or a vm.json is turned into, and all that a runner needs to
// know.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/vm_disk.h"
#include "hostd/vm_network.h"
#include "hostd/vm_volume.h"
#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// `automatic` tries KVM where it can be used and falls back to TCG, QEMU's translator.
enum class Accel { automatic, kvm, tcg };
[[nodiscard]] std::string_view name_of(Accel accel);
[[nodiscard]] Result<Accel> parse_accel(std::string_view text);

/// Who plays the guest's vsock device: `native` is the kernel of the host (/dev/vhost-vsock), `user` the
/// runner. `automatic` takes the kernel's where it can be used.
enum class VsockDevice { automatic, native, user };
[[nodiscard]] std::string_view name_of(VsockDevice device);
[[nodiscard]] Result<VsockDevice> parse_vsock_device(std::string_view text);

/// A port of the host that leads to a port of the guest's loopback, over vsock.
struct PublishedPort {
  std::string address = "127.0.0.1";
  std::uint16_t host = 0;
  std::uint16_t guest = 0;
  friend bool operator==(const PublishedPort&, const PublishedPort&) = default;
};
/// `[ADDRESS:]HOST:GUEST`; an IPv6 address stands in brackets. Host port 0 picks a free one.
[[nodiscard]] Result<PublishedPort> parse_published_port(std::string_view text);
[[nodiscard]] std::string format_published_port(const PublishedPort& port);

/// How much of a VM's output stays on disk: each kind has `files` files of `file_size` at most, the oldest
/// goes first.
struct LogLimits {
  Bytes file_size = mebibytes(8);
  unsigned files = 2;
  friend bool operator==(LogLimits, LogLimits) = default;
};

struct VmSpec {
  std::string name;
  std::string image;      ///< what its image is called
  std::string kernel;     ///< absolute path
  std::string initramfs;  ///< absolute path
  std::string append;     ///< kernel arguments behind ours
  /// The kernel prints on virtio's console, many bytes at a time, and on the UART only until it has that.
  /// Only for a kernel that needs no module for it: before a module is loaded nothing would be seen.
  bool has_virtio_console = false;
  std::string program;  ///< QEMU; a bare name is looked up in PATH
  Bytes memory = mebibytes(256);
  unsigned cpus = 1;
  Accel accel = Accel::automatic;
  VsockDevice vsock = VsockDevice::automatic;
  Duration boot_timeout = seconds(30);      ///< from the VMM's start to the guest's hello
  Duration shutdown_timeout = seconds(45);  ///< from the request to the guest's last word
  std::map<std::string, std::string> env;
  /// The image's own variables. In the guest what is in its `env_files` beats these, and `env` beats both.
  std::map<std::string, std::string> image_env;
  std::vector<PublishedPort> ports;
  std::vector<Disk> disks;
  std::vector<Volume> volumes;
  NetworkSpec network;
  std::string hostname;     ///< empty: the image's own
  std::string user_data;    ///< for cloud-init, which the guest reads; empty: none
  std::string runtime_dir;  ///< absolute path of the VM's own folder
  LogLimits logs;
  friend bool operator==(const VmSpec&, const VmSpec&) = default;
};

inline constexpr std::string_view default_vmm = "qemu-system-x86_64";
/// What a stock distribution kernel needs before it can unpack even a small initramfs.
inline constexpr Bytes least_memory = mebibytes(48);

/// It travels in one message of the link (wire/link_messages.h), in which a character of it may need two.
inline constexpr Bytes most_user_data = kibibytes(64);

/// A VM's name is also a folder's: letters, digits, `-`, `_` and `.`, not first, 40 characters at most.
[[nodiscard]] bool is_vm_name(std::string_view name);

/// Those of the list, then those of the volumes.
[[nodiscard]] std::vector<Disk> all_disks(const VmSpec& spec);

/// Everything that is wrong with it, one line each; empty if it can be run.
[[nodiscard]] std::vector<std::string> problems_of(const VmSpec& spec);

/// vm.json and back. Unknown members are ignored (a newer version may have written them); missing ones keep
/// their default.
[[nodiscard]] std::string to_json(const VmSpec& spec);
[[nodiscard]] Result<VmSpec> parse_vm_spec(std::string_view json);

}  // namespace kestrel::hostd
