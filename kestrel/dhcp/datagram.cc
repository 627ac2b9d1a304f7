#include "kestrel/dhcp/datagram.h"

#include <cstdint>

#include "kestrel/dhcp/message.h"

namespace kestrel::dhcp {

namespace {

// RFC 791 and RFC 768, in bytes.
constexpr std::size_t ip_header_size = 20;
constexpr std::size_t udp_header_size = 8;
constexpr std::size_t total_length_at = 2;
constexpr std::size_t fragment_at = 6;
constexpr std::size_t hops_at = 8;
constexpr std::size_t protocol_at = 9;
constexpr std::size_t header_checksum_at = 10;
constexpr std::size_t source_address_at = 12;
constexpr std::size_t target_address_at = 16;
constexpr std::size_t both_addresses_size = 8;
constexpr std::size_t udp_length_at = 4;
constexpr std::size_t udp_checksum_at = 6;
constexpr char udp = 17;
constexpr char hops = 64;
/// Of a fragment's place, and that others follow; the rest is flags that do not matter.
constexpr std::uint32_t is_fragment = 0x3fff;

std::uint32_t word_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[at]) << 8 |
                                    static_cast<std::uint8_t>(text[at + 1]));
}

void put_word(std::string& text, std::size_t at, std::uint32_t word) {
  text[at] = static_cast<char>(word >> 8);
  text[at + 1] = static_cast<char>(word);
}

/// The sum of 16-bit words in one's complement (RFC 1071), continued from `sum`. All ones over data with its
/// own checksum in it.
std::uint32_t add_words(std::string_view text, std::uint32_t sum = 0) {
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) sum += word_at(text, at);
  if (text.size() % 2 != 0) sum += static_cast<std::uint32_t>(static_cast<std::uint8_t>(text.back()) << 8);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/// What UDP's checksum covers: both addresses, the protocol, the length, and the datagram itself.
std::uint32_t sum_of_datagram(std::string_view ip_header, std::string_view datagram) {
  const auto length = static_cast<std::uint32_t>(datagram.size());
  const std::uint32_t sum = add_words(ip_header.substr(source_address_at, both_addresses_size),
                                      static_cast<std::uint32_t>(udp) + length);
  return add_words(datagram, sum);
}

}  // namespace

std::string encode_broadcast(std::string_view message) {
  std::string datagram(udp_header_size, '\0');
  put_word(datagram, 0, client_port);
  put_word(datagram, 2, server_port);
  put_word(datagram, udp_length_at, static_cast<std::uint32_t>(udp_header_size + message.size()));
  datagram.append(message);
  std::string header(ip_header_size, '\0');
  header[0] = 4 << 4 | ip_header_size / 4;
  put_word(header, total_length_at, static_cast<std::uint32_t>(ip_header_size + datagram.size()));
  header[hops_at] = hops;
  header[protocol_at] = udp;
  header.replace(target_address_at, 4, 4, '\xff');
  put_word(header, header_checksum_at, ~add_words(header));
  put_word(datagram, udp_checksum_at, ~sum_of_datagram(header, datagram));
  return header + datagram;
}

std::optional<std::string_view> message_in(std::string_view packet, Checksum checksum) {
  if (packet.size() < ip_header_size + udp_header_size || packet[0] >> 4 != 4) return std::nullopt;
  const std::size_t header_size = static_cast<std::size_t>(packet[0] & 0xf) * 4;
  const std::size_t total = word_at(packet, total_length_at);
  if (header_size < ip_header_size || total > packet.size() || total < header_size + udp_header_size)
    return std::nullopt;
  const auto header = packet.substr(0, header_size);
  auto datagram = packet.substr(header_size, total - header_size);
  if (add_words(header) != 0xffff || header[protocol_at] != udp ||
      (word_at(header, fragment_at) & is_fragment) != 0)
    return std::nullopt;
  const std::size_t length = word_at(datagram, udp_length_at);
  if (word_at(datagram, 0) != server_port || word_at(datagram, 2) != client_port ||
      length < udp_header_size || length > datagram.size())
    return std::nullopt;
  datagram = datagram.substr(0, length);
  const bool is_checked = checksum == Checksum::complete && word_at(datagram, udp_checksum_at) != 0;
  if (is_checked && sum_of_datagram(header, datagram) != 0xffff) return std::nullopt;
  return datagram.substr(udp_header_size);
}

}  // namespace kestrel::dhcp
