// The kernel's `ip=` parameter: how whoever starts a machine tells its address.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/result.h"

namespace kestrel::sys {

struct IpParameter {
  std::optional<IpNetwork> address;  ///< unset: none is to be given
  std::optional<IpAddress> gateway;
  std::vector<IpAddress> name_servers;
  std::string hostname;
  std::string interface;                 ///< empty: the first one
  bool needs_autoconfiguration = false;  ///< DHCP, BOOTP or RARP, for want of an address
  friend bool operator==(const IpParameter&, const IpParameter&) = default;
};

/// Reads `client:server:gateway:netmask:hostname:device:autoconf:dns0:dns1:ntp0`, whose end may be missing,
/// or the autoconf word alone, as Documentation/admin-guide/nfs/nfsroot.rst of the kernel says. Without a
/// netmask the address has that of its class. The boot and time servers are of no use here.
[[nodiscard]] Result<IpParameter> parse_ip_parameter(std::string_view text);

}  // namespace kestrel::sys
