// A UDP datagram in an IPv4 packet, made and read by hand: a client without an address has no other way to be
// heard and answered (RFC 2131, section 4.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kestrel::dhcp {

/// From 0.0.0.0, the client's port, to everybody's server port.
[[nodiscard]] std::string encode_broadcast(std::string_view message);

/// Whether a packet's checksum says anything. Between machines on one host nobody computes it: the packet
/// never leaves memory.
enum class Checksum { complete, left_out };

/// The message within a packet from a server to a client; nullopt for any other packet, a part of one, or one
/// that was damaged on its way. What is behind the packet's end does not count: Ethernet fills up short
/// frames.
[[nodiscard]] std::optional<std::string_view> message_in(std::string_view packet, Checksum checksum);

}  // namespace kestrel::dhcp
