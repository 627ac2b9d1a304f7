#include "kestrel/dhcp/message.h"

#include <catch2/catch.hpp>
#include <memory>
#include <random>

#include "tests/unit/dhcp/server.h"

namespace kestrel::dhcp {
namespace {

using namespace test;

/// In memory of its own size, so that a sanitizer sees every byte that is read beyond it.
std::optional<Reply> parse_exactly(std::string_view bytes) {
  const auto copy = std::make_unique<char[]>(bytes.size());
  bytes.copy(copy.get(), bytes.size());
  return parse_reply({copy.get(), bytes.size()});
}

TEST_CASE("what a server grants is read from its options", "[dhcp]") {
  const auto reply = parse_reply(usual(acknowledge)
                                     .add(12, "web-1")
                                     .add(15, "example.org")
                                     .add(26, "\x05\x78"sv)
                                     .add(58, "\x00\x00\x07\x08"sv)
                                     .add(59, "\x00\x00\x0c\x4e"sv)
                                     .bytes());
  REQUIRE(reply);
  CHECK(*reply == Reply{.answer = Answer::acknowledge,
                        .transaction = 0x01020304,
                        .mac = card,
                        .address = ip("10.0.2.15"),
                        .server = ip("10.0.2.2"),
                        .netmask = ip("255.255.255.0"),
                        .routers = {ip("10.0.2.2")},
                        .name_servers = {ip("10.0.2.3"), ip("9.9.9.9")},
                        .host_name = "web-1",
                        .domain_name = "example.org",
                        .mtu = 1400,
                        .lease_seconds = 3600,
                        .renewal_seconds = 1800,
                        .rebinding_seconds = 3150});
}

TEST_CASE("a question is laid out as RFC 2131 has it", "[dhcp]") {
  const auto bytes = encode({.question = Question::request,
                             .transaction = 0x01020304,
                             .elapsed = seconds(70'000),
                             .mac = card,
                             .own = ip("10.0.2.15"),
                             .wanted = ip("10.0.2.16"),
                             .server = ip("10.0.2.2"),
                             .host_name = "web"});
  CHECK(bytes.size() == 300);
  CHECK(bytes.substr(0, 12) == "\x01\x01\x06\x00\x01\x02\x03\x04\xff\xff\x00\x00"sv);  // 65,535 s at most
  CHECK(bytes.substr(12, 16) == "\x0a\x00\x02\x0f\0\0\0\0\0\0\0\0\0\0\0\0"sv);
  CHECK(bytes.substr(28, 16) == "\x52\x54\x00\x12\x34\x56\0\0\0\0\0\0\0\0\0\0"sv);
  CHECK(bytes.substr(44, 192) == std::string(192, '\0'));
  CHECK(bytes.substr(236, 4) == "\x63\x82\x53\x63");
  CHECK(bytes.substr(240) ==
        "\x35\x01\x03"
        "\x32\x04\x0a\x00\x02\x10"
        "\x36\x04\x0a\x00\x02\x02"
        "\x0c\x03web"
        "\x37\x06\x01\x03\x06\x0c\x0f\x1a\xff"s +
            std::string(31, '\0'));
}

TEST_CASE("whoever gives an address back asks for nothing", "[dhcp]") {
  const auto bytes = encode({.question = Question::release, .mac = card, .server = ip("10.0.2.2")});
  CHECK(bytes.substr(240, 10) == "\x35\x01\x07\x36\x04\x0a\x00\x02\x02\xff"sv);
}

TEST_CASE("an answer that is cut off anywhere is none, or one that says less", "[dhcp]") {
  const auto whole = usual(offer).add(12, "web-1").bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto reply = parse_exactly(std::string_view(whole).substr(0, size));
    if (size < 243) CHECK_FALSE(reply);  // the type is the first option
  }
  // Within an option
  CHECK_FALSE(parse_exactly(std::string_view(whole).substr(0, whole.size() - 2)));
}

TEST_CASE("an option that claims more than there is spoils the whole answer", "[dhcp]") {
  auto reply = usual(offer);
  reply.end = GENERATE("\x0c"s, "\x0c\xff"s, "\x0c\x02x"s);
  CHECK_FALSE(parse_exactly(reply.bytes()));
}

TEST_CASE("what is no answer of a server to an Ethernet client is none", "[dhcp]") {
  auto question = usual(offer);
  question.op = 1;
  CHECK_FALSE(parse_reply(question.bytes()));
  auto token_ring = usual(offer);
  token_ring.hardware = 6;
  CHECK_FALSE(parse_reply(token_ring.bytes()));
  auto long_address = usual(offer);
  long_address.hardware_size = 16;
  CHECK_FALSE(parse_reply(long_address.bytes()));
  auto bootp = usual(offer);
  bootp.cookie = "\x63\x82\x53\x62";
  CHECK_FALSE(parse_reply(bootp.bytes()));
  CHECK_FALSE(parse_reply(RawReply().add(54, "\x0a\x00\x02\x02"sv).bytes()));
  for (const auto type : {"\x00"sv, "\x01"sv, "\x03"sv, "\x08"sv, "\x05\x05"sv, ""sv})
    CHECK_FALSE(parse_reply(RawReply().add(53, type).bytes()));
}

TEST_CASE("options of the wrong length are as good as missing", "[dhcp]") {
  const auto reply = parse_reply(RawReply()
                                     .add(53, offer)
                                     .add(54, "\x0a\x00\x02"sv)
                                     .add(1, "\xff\xff\xff\x00\x00"sv)
                                     .add(3, "\x0a\x00\x02\x02\x0a"sv)
                                     .add(51, "\x10"sv)
                                     .add(26, "\x00\x00\x05\xdc"sv)
                                     .bytes());
  REQUIRE(reply);
  CHECK(*reply ==
        Reply{.answer = Answer::offer, .transaction = 0x01020304, .mac = card, .address = ip("10.0.2.15")});
}

TEST_CASE("a name that could be anything but a name is left out", "[dhcp]") {
  const auto name =
      GENERATE("a b"sv, "x\nnameserver 6.6.6.6"sv, "../etc"sv, "-x"sv, "a..b"sv, "\xc3\xa4"sv, "a\0b"sv);
  const auto reply = parse_reply(usual(offer).add(12, name).add(15, name).bytes());
  REQUIRE(reply);
  CHECK(reply->host_name.empty());
  CHECK(reply->domain_name.empty());
}

TEST_CASE("a name may end with NULs, as some servers have it", "[dhcp]") {
  CHECK(parse_reply(usual(offer).add(12, "web\0\0"sv).bytes())->host_name == "web");
}

TEST_CASE("an option in several parts is one", "[dhcp]") {
  const auto reply = parse_reply(usual(offer).add(15, "exam").add(0, "").add(15, "ple.org").bytes());
  REQUIRE(reply);
  CHECK(reply->domain_name == "example.org");
}

TEST_CASE("options go on in the fields for file and server name if the server says so", "[dhcp]") {
  RawReply reply = usual(offer).add(52, GENERATE("\x01"sv, "\x02"sv, "\x03"sv));
  const int where = reply.options.back();
  reply.file = "\x0c\x03web\xff";
  reply.server_name = "\x0f\x03org\xff";
  const auto parsed = parse_exactly(reply.bytes());
  REQUIRE(parsed);
  CHECK(parsed->host_name == ((where & 1) != 0 ? "web" : ""));
  CHECK(parsed->domain_name == ((where & 2) != 0 ? "org" : ""));
}

TEST_CASE("an option does not run from the field for the file into the next one", "[dhcp]") {
  RawReply reply = usual(offer).add(52, "\x01"sv);
  reply.file = std::string(126, '\0') + "\x0c\x20";
  CHECK_FALSE(parse_exactly(reply.bytes()));
}

TEST_CASE("200,000 damaged answers crash nothing", "[dhcp]") {
  std::mt19937 random(20240131);
  const std::vector<std::string> whole = {
      usual(offer).add(12, "web").bytes(),
      usual(acknowledge).add(52, "\x03"sv).add(15, "example.org").bytes(),
      usual(refuse).bytes(),
  };
  std::size_t read = 0;
  for (int i = 0; i < 200'000; ++i) {
    auto bytes = whole[random() % whole.size()];
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      bytes[(random() % 4 == 0 ? 0 : 236) + random() % (bytes.size() - 236)] = static_cast<char>(random());
    bytes.resize(bytes.size() - random() % 8);
    read += parse_exactly(bytes).has_value() ? 1 : 0;
  }
  CHECK(read > 1000);
}

}  // namespace
}  // namespace kestrel::dhcp
