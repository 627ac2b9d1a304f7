#include "hostd/vsock/kernel_device.h"

#include <fcntl.h>
#include <sys/ioctl.h>
// What its headers bring along for the layout of old rings is no C++.
#define VIRTIO_RING_NO_LEGACY 1
#include <linux/vhost.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::hostd::vsock {

namespace {

constexpr const char* device_path = "/dev/vhost-vsock";

Result<sys::UniqueFd> open_device() {
  sys::UniqueFd device(::open(device_path, O_RDWR | O_CLOEXEC));
  if (!device.is_open()) return errno_error(concat("cannot open ", device_path), errno);
  return device;
}

}  // namespace

Result<std::uint32_t> take_cid(std::uint32_t first, const std::function<int(std::uint32_t)>& take) {
  int error = 0;
  for (int tries = 0; tries < most_cids_tried; ++tries) {
    const std::uint32_t cid = first + static_cast<std::uint32_t>(tries);
    error = take(cid);
    if (error == 0) return cid;
    if (error != EADDRINUSE) break;
  }
  return errno_error("cannot take a CID", error);
}

Result<KernelDevice> open_kernel_device() {
  auto device = open_device();
  if (!device) return device.error();
  const auto take = [fd = device->get()](std::uint32_t cid) {
    const std::uint64_t wanted = cid;
    return ::ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &wanted) == 0 ? 0 : errno;
  };
  const auto cid = take_cid(first_guest_cid + static_cast<std::uint32_t>(::getpid()), take);
  if (!cid) return cid.error();
  return KernelDevice{std::move(*device), *cid};
}

std::string find_kernel_device_problem() {
  const auto device = open_device();
  return device ? "" : device.error().message;
}

}  // namespace kestrel::hostd::vsock
