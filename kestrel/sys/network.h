// The network of a guest, as far as PID 1 sets it up itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/mac_address.h"
#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Sets an interface up. The kernel gives `lo` its addresses (127.0.0.1 and ::1) by itself when it comes up.
[[nodiscard]] Result<void> bring_up_interface(const std::string& name);

/// The Ethernet card that was there first: an interface with a device behind it, which bridges, tunnels and
/// the like have not. ENODEV: there is none.
[[nodiscard]] Result<std::string> first_network_card(const std::string& sys = "/sys");

/// ENODEV, or EPROTOTYPE for an interface that is no Ethernet.
[[nodiscard]] Result<MacAddress> mac_address(const std::string& interface);

/// The largest packet in bytes.
[[nodiscard]] Result<void> set_mtu(const std::string& interface, std::uint16_t mtu);

/// Makes `file`, normally /etc/resolv.conf, one that names these servers, and the domain where names without
/// a dot are looked up, if any; a link in its place is replaced and not followed.
[[nodiscard]] Result<void> write_name_servers(const std::string& file, std::span<const IpAddress> servers,
                                              const std::string& domain = {});

}  // namespace kestrel::sys
