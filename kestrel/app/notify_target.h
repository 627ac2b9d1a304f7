// Where a VMM wants to be told how its guest is: the credential `vmm.notify_socket`
// (systemd.system-credentials(7)). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "kestrel/base/result.h"

namespace kestrel::app {

/// How messages go over vsock. With `any` it is a sequence of packets where the device has them, else a
/// stream.
enum class VsockKind { any, stream, packets };
struct VsockTarget {
  VsockKind kind = VsockKind::any;
  std::uint32_t cid = 0;
  std::uint32_t port = 0;
  friend bool operator==(const VsockTarget&, const VsockTarget&) = default;
};
/// A stream.
struct UnixTarget {
  std::string path;
  friend bool operator==(const UnixTarget&, const UnixTarget&) = default;
};
using NotifyTarget = std::variant<VsockTarget, UnixTarget>;

/// `vsock:CID:PORT`, `vsock-stream:…`, `vsock-seqpacket:…`, or the path of a Unix socket. Datagrams over
/// vsock do not exist on Linux's virtio transport, so `vsock-dgram:…` is refused.
[[nodiscard]] Result<NotifyTarget> parse_notify_target(std::string_view text);

}  // namespace kestrel::app
