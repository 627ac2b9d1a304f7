// A DHCP server's half of the conversation, made by hand for the tests.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/dhcp/message.h"

namespace kestrel::dhcp::test {

using namespace std::string_literals;
using namespace std::string_view_literals;

inline constexpr MacAddress card{0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

inline IpAddress ip(std::string_view text) { return *parse_ip_address(text); }

/// The bytes of an answer: BOOTP's fixed fields, then the options as they are given, then an end.
struct RawReply {
  char op = 2;
  char hardware = 1;
  char hardware_size = 6;
  std::string_view cookie = "\x63\x82\x53\x63";
  std::string server_name;
  std::string file;
  std::string options;
  std::string end = "\xff";

  RawReply& add(unsigned char code, std::string_view content) {
    options.append({static_cast<char>(code), static_cast<char>(content.size())}).append(content);
    return *this;
  }

  [[nodiscard]] std::string bytes() const {
    std::string out = {op, hardware, hardware_size, 0, 0x01, 0x02, 0x03, 0x04};
    out.resize(16);
    out.append("\x0a\x00\x02\x0f"sv);  // 10.0.2.15
    out.resize(28);
    for (const auto byte : card) out.push_back(static_cast<char>(byte));
    out.resize(44);
    out.append(server_name).resize(108);
    out.append(file).resize(236);
    return out.append(cookie).append(options).append(end);
  }
};

inline constexpr auto offer = "\x02"sv;
inline constexpr auto acknowledge = "\x05"sv;
inline constexpr auto refuse = "\x06"sv;

/// What a home router or QEMU's user network says.
inline RawReply usual(std::string_view type) {
  RawReply reply;
  reply.add(53, type)
      .add(54, "\x0a\x00\x02\x02"sv)
      .add(1, "\xff\xff\xff\x00"sv)
      .add(3, "\x0a\x00\x02\x02"sv)
      .add(6, "\x0a\x00\x02\x03\x09\x09\x09\x09"sv)
      .add(51, "\x00\x00\x0e\x10"sv);
  return reply;
}

}  // namespace kestrel::dhcp::test
