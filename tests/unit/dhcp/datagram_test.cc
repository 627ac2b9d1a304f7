#include "kestrel/dhcp/datagram.h"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>

namespace kestrel::dhcp {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::optional<std::string> message_in_exactly(std::string_view packet,
                                              Checksum checksum = Checksum::complete) {
  const auto copy = std::make_unique<char[]>(packet.size());
  packet.copy(copy.get(), packet.size());
  const auto message = message_in({copy.get(), packet.size()}, checksum);
  return message ? std::optional<std::string>(*message) : std::nullopt;
}

/// "hey" from 10.0.2.2 to 10.0.2.15, as a server sent it.
const std::string answer =
    "\x45\x10\x00\x1f\x00\x00\x00\x00\x40\x11\x62\xae\x0a\x00\x02\x02\x0a\x00\x02\x0f"
    "\x00\x43\x00\x44\x00\x0b\x05\xdb"
    "hey"s;

TEST_CASE("a question leaves as a valid packet from nobody to everybody", "[dhcp]") {
  CHECK(encode_broadcast("hey") ==
        "\x45\x00\x00\x1f\x00\x00\x00\x00\x40\x11\x7a\xcf\x00\x00\x00\x00\xff\xff\xff\xff"
        "\x00\x44\x00\x43\x00\x0b\x1d\xec"
        "hey"sv);
}

TEST_CASE("the message is found in a server's packet, whatever Ethernet put behind it", "[dhcp]") {
  CHECK(message_in_exactly(answer) == "hey");
  CHECK(message_in_exactly(answer + std::string(29, '\0')) == "hey");
}

TEST_CASE("a packet that is cut off anywhere is dropped", "[dhcp]") {
  for (std::size_t size = 0; size < answer.size(); ++size)
    CHECK_FALSE(message_in_exactly(std::string_view(answer).substr(0, size)));
}

TEST_CASE("a packet with any bit turned over is dropped", "[dhcp]") {
  for (std::size_t i = 0; i < answer.size() * 8; ++i) {
    auto damaged = answer;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ 1 << i % 8);
    INFO("bit " << i);
    CHECK_FALSE(message_in_exactly(damaged));
  }
}

TEST_CASE("a checksum that was left out is not missed", "[dhcp]") {
  auto packet = answer;
  packet.replace(26, 2, "\x12\x34");
  CHECK_FALSE(message_in_exactly(packet));
  CHECK(message_in_exactly(packet, Checksum::left_out) == "hey");
  packet.replace(26, 2, "\0\0"sv);  // RFC 768: the sender made none
  CHECK(message_in_exactly(packet) == "hey");
}

TEST_CASE("200,000 damaged packets crash nothing, even if nobody checks their sums", "[dhcp]") {
  std::mt19937 random(20240131);
  for (int i = 0; i < 200'000; ++i) {
    auto packet = answer;
    packet[random() % 28] = static_cast<char>(random());
    // The header's own sum is made right again, so that what is behind it is reached.
    std::uint32_t sum = 0;
    packet.replace(10, 2, "\0\0"sv);
    const std::size_t header = std::min<std::size_t>((packet[0] & 0xf) * 4U, packet.size() / 2 * 2);
    for (std::size_t at = 0; at + 1 < header; at += 2)
      sum += static_cast<std::uint32_t>(static_cast<unsigned char>(packet[at]) << 8 |
                                        static_cast<unsigned char>(packet[at + 1]));
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    packet[10] = static_cast<char>(~sum >> 8);
    packet[11] = static_cast<char>(~sum);
    const auto message = message_in_exactly(packet, Checksum::left_out);
    if (message && message->size() > 3) FAIL("more than there was");
  }
}

}  // namespace
}  // namespace kestrel::dhcp
