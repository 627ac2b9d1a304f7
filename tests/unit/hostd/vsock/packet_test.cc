#include "hostd/vsock/packet.h"

#include <catch2/catch.hpp>
#include <vector>

namespace kestrel::hostd::vsock::test {

TEST_CASE("a header has the layout of the specification", "[vsock]") {
  const PacketHeader header{.source_cid = 0x0102030405060708,
                            .destination_cid = 2,
                            .source_port = 0x11223344,
                            .destination_port = 5,
                            .length = 6,
                            .type = 1,
                            .operation = Operation::data,
                            .flags = 7,
                            .buffer_size = 8,
                            .forwarded_bytes = 9};
  const std::vector<unsigned> expected = {8, 7,    6,    5,    4,    3, 2, 1, 2, 0, 0, 0, 0, 0, 0,
                                          0, 0x44, 0x33, 0x22, 0x11, 5, 0, 0, 0, 6, 0, 0, 0, 1, 0,
                                          5, 0,    7,    0,    0,    0, 8, 0, 0, 0, 9, 0, 0, 0};
  std::vector<unsigned> encoded;
  for (const std::byte byte : encode_packet_header(header))
    encoded.push_back(std::to_integer<unsigned>(byte));
  CHECK(encoded == expected);
}

TEST_CASE("every header survives encoding and decoding", "[vsock]") {
  PacketHeaderBytes bytes;
  for (unsigned seed = 0; seed < 256; ++seed) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(seed * 31 + i * 7);
    CHECK(encode_packet_header(decode_packet_header(bytes)) == bytes);
  }
}

TEST_CASE("the flags of a shutdown name halves", "[vsock]") {
  CHECK(shutdown_halves(0) == Halves{});
  CHECK(shutdown_halves(1) == Halves{.receive = true, .send = false});
  CHECK(shutdown_halves(2) == Halves{.receive = false, .send = true});
  CHECK(shutdown_halves(0xffffffff).both());
  for (std::uint32_t flags = 0; flags < 4; ++flags) CHECK(shutdown_flags(shutdown_halves(flags)) == flags);
}

}  // namespace kestrel::hostd::vsock::test
