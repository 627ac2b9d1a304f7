// Addresses and routes, through rtnetlink(7): one request, one acknowledgement, no library.
#pragma once

#include <string>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/result.h"

namespace kestrel::sys {

/// The network interface that was there first, beside the loopback.
[[nodiscard]] Result<std::string> first_interface();

/// That it has the address, or the route, already is success. An IPv6 address can be used at once: it is not
/// first asked for on the network whether somebody else has it.
[[nodiscard]] Result<void> add_address(const std::string& interface, const IpNetwork& address);
[[nodiscard]] Result<void> add_default_route(const std::string& interface, const IpAddress& gateway);

}  // namespace kestrel::sys
