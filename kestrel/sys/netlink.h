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
/// A gateway outside the networks of the interface's addresses has to be `direct`: that it can be reached
/// there is taken on trust.
enum class GatewayIs { within_a_network, direct };
[[nodiscard]] Result<void> add_default_route(const std::string& interface, const IpAddress& gateway,
                                             GatewayIs where = GatewayIs::within_a_network);

/// That it does not have the address, or the route, is success.
[[nodiscard]] Result<void> remove_address(const std::string& interface, const IpNetwork& address);
[[nodiscard]] Result<void> remove_default_route(const std::string& interface, const IpAddress& gateway);

}  // namespace kestrel::sys
