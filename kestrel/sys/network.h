// The network of a guest, as far as PID 1 sets it up itself.
#pragma once

#include <span>
#include <string>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Sets an interface up. The kernel gives `lo` its addresses (127.0.0.1 and ::1) by itself when it comes up.
[[nodiscard]] Result<void> bring_up_interface(const std::string& name);

/// Makes `file`, normally /etc/resolv.conf, one that names these servers; a link in its place is replaced and
/// not followed.
[[nodiscard]] Result<void> write_name_servers(const std::string& file, std::span<const IpAddress> servers);

}  // namespace kestrel::sys
