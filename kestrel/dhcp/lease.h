// What a server lends: an address for a time, and how to use it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/time.h"
#include "kestrel/dhcp/message.h"

namespace kestrel::dhcp {

/// What the interface and the machine are set up with.
struct Settings {
  IpNetwork address;
  std::optional<IpAddress> router;
  std::vector<IpAddress> name_servers;
  std::string host_name;    ///< empty where none is given
  std::string domain_name;  ///< the same
  std::optional<std::uint16_t> mtu;
  friend bool operator==(const Settings&, const Settings&) = default;
};

struct Lease {
  Settings settings;
  IpAddress server;
  // From the moment it was asked for, in this order; unset: it is for ever.
  struct Times {
    Duration renewal{};    ///< from here on the server is asked for more (T1)
    Duration rebinding{};  ///< from here on any server is (T2)
    Duration end{};
    friend bool operator==(const Times&, const Times&) = default;
  };
  std::optional<Times> times;
  friend bool operator==(const Lease&, const Lease&) = default;
};

/// nullopt where an offer or an acknowledgement is of no use: it does not say who gives it, the address is
/// none for a machine, its netmask is none, or the time is too short to keep asking for more. What else makes
/// no sense is left out or replaced by the usual: a renewal after half the time, rebinding after seven
/// eighths.
[[nodiscard]] std::optional<Lease> lease_of(const Reply& reply);

}  // namespace kestrel::dhcp
