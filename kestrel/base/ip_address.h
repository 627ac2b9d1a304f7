// Internet addresses, read from text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kestrel {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  ///< in network order; of IPv4 the first four
  bool is_v6 = false;

  [[nodiscard]] std::span<const std::uint8_t> used() const { return {bytes.data(), is_v6 ? 16U : 4U}; }
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// `10.0.0.2` or `fd00::2`; nullopt for anything else, names and short forms included.
[[nodiscard]] std::optional<IpAddress> parse_ip_address(std::string_view text);
[[nodiscard]] std::string format(const IpAddress& address);

/// An address and the length of its network's part.
struct IpNetwork {
  IpAddress address;
  std::uint8_t prefix = 0;
  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;
};

/// `10.0.0.2/24`; nullopt without a prefix length or with one beyond the address.
[[nodiscard]] std::optional<IpNetwork> parse_ip_network(std::string_view text);
[[nodiscard]] std::string format(const IpNetwork& network);

/// The prefix length of a netmask, `255.255.255.0` as 24; nullopt if its ones are not all in front.
[[nodiscard]] std::optional<std::uint8_t> prefix_of_netmask(const IpAddress& netmask);

/// The prefix length of the class an IPv4 address is in by its leading bits (RFC 791), for where no netmask
/// is given; nullopt for classes that are not given to machines.
[[nodiscard]] std::optional<std::uint8_t> prefix_of_class(const IpAddress& address);

}  // namespace kestrel
