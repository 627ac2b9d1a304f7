// What a lease says, done to an interface and the machine. Failures are logged: what can be had of a network
// is better than none.
#pragma once

#include <optional>
#include <string>

#include "kestrel/dhcp/lease.h"

namespace kestrel::app {

/// Address, route and MTU, from what they are to what they are to be; and the machine's name if it has none.
void set_up_interface(const std::string& interface, const std::optional<dhcp::Settings>& present,
                      const dhcp::Settings& next);
/// The interface stays up, without address and route.
void take_down_interface(const std::string& interface, const dhcp::Settings& present);

/// Makes /etc/resolv.conf of them, if there are any.
void take_name_servers(const dhcp::Settings& settings);

}  // namespace kestrel::app
