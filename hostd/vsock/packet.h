// The 44-byte header in front of every virtio-vsock packet, little-endian on the wire (virtio 1.1,
// section 5.10.6).
//
// A connection is named by its four-part tuple. Since one side is always the host (CID 2) and the other
// always this device's guest, the two ports are enough here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace kestrel::hostd::vsock {

inline constexpr std::uint64_t host_cid = 2;
inline constexpr std::uint16_t stream_type = 1;
inline constexpr std::size_t packet_header_size = 44;
/// What Linux drivers send at most in one packet (VIRTIO_VSOCK_MAX_PKT_BUF_SIZE); more is an error here.
inline constexpr std::uint32_t max_packet_payload = 64 * 1024;

enum class Operation : std::uint16_t {
  invalid = 0,
  request = 1,
  response = 2,
  reset = 3,
  shutdown = 4,
  data = 5,  ///< the specification's OP_RW
  credit_update = 6,
  credit_request = 7,
};

/// Which halves of a connection are over, seen from the one who says so: it will not receive, or will not
/// send, any more.
struct Halves {
  bool receive = false;
  bool send = false;

  [[nodiscard]] bool both() const { return receive && send; }
  [[nodiscard]] bool any() const { return receive || send; }
  friend bool operator==(Halves, Halves) = default;
};

struct PacketHeader {
  std::uint64_t source_cid = 0;
  std::uint64_t destination_cid = 0;
  std::uint32_t source_port = 0;
  std::uint32_t destination_port = 0;
  std::uint32_t length = 0;  ///< of the payload
  std::uint16_t type = stream_type;
  Operation operation = Operation::invalid;
  std::uint32_t flags = 0;
  std::uint32_t buffer_size = 0;      ///< the sender's whole receive buffer for this connection (buf_alloc)
  std::uint32_t forwarded_bytes = 0;  ///< what has left that buffer so far, modulo 2^32 (fwd_cnt)

  friend bool operator==(const PacketHeader&, const PacketHeader&) = default;
};

using PacketHeaderBytes = std::array<std::byte, packet_header_size>;

/// Any 44 bytes decode; whether they make sense is the receiver's question.
[[nodiscard]] PacketHeader decode_packet_header(std::span<const std::byte, packet_header_size> bytes);
[[nodiscard]] PacketHeaderBytes encode_packet_header(const PacketHeader& header);

/// The flags of a SHUTDOWN packet (section 5.10.6.5); unknown bits are ignored.
[[nodiscard]] Halves shutdown_halves(std::uint32_t flags);
[[nodiscard]] std::uint32_t shutdown_flags(Halves halves);

struct ConnectionId {
  std::uint32_t host_port = 0;
  std::uint32_t guest_port = 0;
  friend bool operator==(ConnectionId, ConnectionId) = default;
};

/// Of a packet that comes from the guest.
[[nodiscard]] inline ConnectionId connection_of(const PacketHeader& from_guest) {
  return {.host_port = from_guest.destination_port, .guest_port = from_guest.source_port};
}

}  // namespace kestrel::hostd::vsock

template <>
struct std::hash<kestrel::hostd::vsock::ConnectionId> {
  std::size_t operator()(kestrel::hostd::vsock::ConnectionId id) const noexcept {
    return std::hash<std::uint64_t>{}(std::uint64_t{id.host_port} << 32 | id.guest_port);
  }
};
