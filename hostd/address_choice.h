// Which address of a network a VM gets. Pure: what is known of the network goes in, an address comes out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// An address that a VM has, or had.
struct KnownAddress {
  IpAddress address;
  std::string vm;
  WallTime given;
  bool is_held = false;
};

/// `own` is the host's address in the IPv4 network that is to be shared. A VM gets the address again that it
/// had before; a new one gets an address that nobody had yet, as long as not too many are remembered; then
/// the one that was given the longest ago of those that are free.
[[nodiscard]] Result<IpAddress> choose_address(const IpNetwork& own, const std::vector<KnownAddress>& known,
                                               std::string_view vm);

/// How many addresses of one network are remembered before they are given to others.
inline constexpr std::size_t most_remembered = 1024;

}  // namespace kestrel::hostd
