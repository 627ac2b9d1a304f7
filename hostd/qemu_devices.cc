#include "hostd/qemu_devices.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// QEMU opens nothing itself: it takes the file of `/dev/fdset/N` from the set of that number. So it may run
/// as a user who could not open the file, and whoever holds a lock on it shares that with QEMU.
std::string fd_set(int fd) { return concat("fd=", fd, ",set=", fd); }

/// A layer of a disk, as QMP's BlockdevOptions: what understands the format, upon what reads and writes the
/// file. What the guest discards becomes a hole in the file again.
json layer(std::string_view node, DiskFormat format, int fd, bool is_read_only) {
  return {
      {"node-name", node},
      {"driver", name_of(format)},
      {"read-only", is_read_only},
      {"discard", "unmap"},
      {"file", {{"driver", "file"}, {"filename", concat("/dev/fdset/", fd)}, {"discard", "unmap"}}},
  };
}

std::string format(const MacAddress& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
  return text;
}

}  // namespace

std::vector<std::string> vsock_options(const VsockFacts& vsock) {
  if (vsock.kernel_cid)
    return {"-device", concat("vhost-vsock-device,vhostfd=", vsock.fd, ",guest-cid=", *vsock.kernel_cid)};
  return {"-chardev", concat("socket,id=vsock,fd=", vsock.fd), "-device",
          "vhost-user-vsock-device,chardev=vsock"};
}

std::vector<std::string> disk_options(const std::vector<Disk>& disks, const std::vector<DiskFds>& fds) {
  std::vector<std::string> options;
  const auto add = [&](std::string option, std::string value) {
    options.push_back(std::move(option));
    options.push_back(std::move(value));
  };
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const Disk& disk = disks[i];
    const std::string node = concat("disk", i);
    const std::string base_node = concat(node, "-base");
    json file = layer(node, disk.file.format, fds[i].file, disk.is_read_only);
    if (disk.base) {
      add("-add-fd", fd_set(fds[i].base));
      add("-blockdev", layer(base_node, disk.base->format, fds[i].base, true).dump());
      file["backing"] = base_node;
    } else if (disk.file.format == DiskFormat::qcow2) {
      // The name of another file in its head is somebody else's word.
      file["backing"] = nullptr;
    }
    add("-add-fd", fd_set(fds[i].file));
    add("-blockdev", file.dump());
    add("-device",
        concat("virtio-blk-device,drive=", node, disk.serial.empty() ? "" : concat(",serial=", disk.serial)));
  }
  return options;
}

std::vector<std::string> network_options(const NetworkSpec& network, const CardFacts& card) {
  switch (network.kind) {
    case NetworkSpec::Kind::none:
      return {};
    case NetworkSpec::Kind::user:
      return {"-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"};
    case NetworkSpec::Kind::bridge:
      return {"-netdev", concat("tap,id=net,fd=", card.tap_fd), "-device",
              concat("virtio-net-device,netdev=net,mac=", format(card.mac))};
  }
  return {};
}

}  // namespace kestrel::hostd
