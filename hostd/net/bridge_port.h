// A port of a bridge of this host: a tap device, which QEMU speaks to and the kernel takes away when nobody
// has it open any more.
#pragma once

#include <string>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

/// The host's own IPv4 address at `bridge`, with its network. ENODEV: there is no such interface;
/// EADDRNOTAVAIL: it has no address.
[[nodiscard]] Result<IpNetwork> bridge_network(const std::string& bridge);

/// A tap device of its own, up and attached. It needs CAP_NET_ADMIN.
[[nodiscard]] Result<sys::UniqueFd> open_bridge_port(const std::string& bridge);

}  // namespace kestrel::hostd
