#include "hostd/vsock/packet.h"

namespace kestrel::hostd::vsock {

namespace {

constexpr std::uint32_t shutdown_receive = 1;
constexpr std::uint32_t shutdown_send = 2;

/// Calls `field` for every field of the header in wire order.
template <typename Header, typename Visitor>
void visit_fields(Header& header, Visitor field) {
  field(header.source_cid);
  field(header.destination_cid);
  field(header.source_port);
  field(header.destination_port);
  field(header.length);
  field(header.type);
  field(header.operation);
  field(header.flags);
  field(header.buffer_size);
  field(header.forwarded_bytes);
}

}  // namespace

PacketHeader decode_packet_header(std::span<const std::byte, packet_header_size> bytes) {
  PacketHeader header;
  std::size_t at = 0;
  visit_fields(header, [&]<typename Field>(Field& field) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof(Field); ++i)
      number |= std::to_integer<std::uint64_t>(bytes[at++]) << (8 * i);
    field = static_cast<Field>(number);
  });
  return header;
}

PacketHeaderBytes encode_packet_header(const PacketHeader& header) {
  PacketHeaderBytes bytes;
  std::size_t at = 0;
  visit_fields(header, [&]<typename Field>(Field& field) {
    const auto number = static_cast<std::uint64_t>(field);
    for (std::size_t i = 0; i < sizeof(Field); ++i) bytes[at++] = static_cast<std::byte>(number >> (8 * i));
  });
  return bytes;
}

Halves shutdown_halves(std::uint32_t flags) {
  return {.receive = (flags & shutdown_receive) != 0, .send = (flags & shutdown_send) != 0};
}

std::uint32_t shutdown_flags(Halves halves) {
  return (halves.receive ? shutdown_receive : 0) | (halves.send ? shutdown_send : 0);
}

}  // namespace kestrel::hostd::vsock
