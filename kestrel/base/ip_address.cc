#include "kestrel/base/ip_address.h"

#include <arpa/inet.h>

#include <bit>

#include "kestrel/base/text.h"

namespace kestrel {

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  address.is_v6 = text.find(':') != std::string_view::npos;
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  if (::inet_pton(family, terminated.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::string format(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

std::optional<IpNetwork> parse_ip_network(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_ip_address(text.substr(0, slash));
  const auto prefix = parse_integer(text.substr(slash + 1));
  if (!address || !prefix || *prefix < 0 || *prefix > (address->is_v6 ? 128 : 32)) return std::nullopt;
  return IpNetwork{*address, static_cast<std::uint8_t>(*prefix)};
}

std::string format(const IpNetwork& network) { return concat(format(network.address), '/', network.prefix); }

std::optional<std::uint8_t> prefix_of_netmask(const IpAddress& netmask) {
  int length = 0;
  bool has_ended = false;
  for (const std::uint8_t byte : netmask.used()) {
    const int ones = std::countl_one(byte);
    if (std::popcount(byte) != ones || (has_ended && ones > 0)) return std::nullopt;
    has_ended = has_ended || ones < 8;
    length += ones;
  }
  return static_cast<std::uint8_t>(length);
}

std::optional<std::uint8_t> prefix_of_class(const IpAddress& address) {
  if (address.bytes[0] < 128) return 8;
  if (address.bytes[0] < 192) return 16;
  if (address.bytes[0] < 224) return 24;
  return std::nullopt;
}

}  // namespace kestrel
