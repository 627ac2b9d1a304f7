// DHCP's messages, as values and as bytes: what a client sends, and what it takes from a server.
//
// The format is BOOTP's (RFC 2131, section 2): 236 bytes of fixed fields, a cookie, then options of the form
// code, length, content (RFC 2132). A server that runs out of room goes on in two of the fixed fields (option
// 52), and may split an option in parts that belong together (RFC 3396). Everything here is a stranger's
// word: a message that is cut off or contradicts itself is none at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/mac_address.h"
#include "kestrel/base/time.h"

namespace kestrel::dhcp {

inline constexpr std::uint16_t server_port = 67;
inline constexpr std::uint16_t client_port = 68;

/// What a client asks, with the number that option 53 has for it.
enum class Question : std::uint8_t { discover = 1, request = 3, release = 7 };

struct Request {
  Question question = Question::discover;
  std::uint32_t transaction = 0;
  seconds elapsed{};  ///< since the client began to ask
  MacAddress mac{};
  IpAddress own;                    ///< the address it has and may be reached at; zeros: none
  std::optional<IpAddress> wanted;  ///< the one that was offered
  std::optional<IpAddress> server;  ///< whose offer is taken, or who is to take the address back
  std::string host_name;            ///< may be empty
  friend bool operator==(const Request&, const Request&) = default;
};

[[nodiscard]] std::string encode(const Request& request);

/// What a server answers, by the number of option 53.
enum class Answer : std::uint8_t { offer = 2, acknowledge = 5, refuse = 6 };

/// Options that are missing, have the wrong length or make no sense are unset.
struct Reply {
  Answer answer = Answer::offer;
  std::uint32_t transaction = 0;
  MacAddress mac{};
  IpAddress address;  ///< which the client may have; zeros where it is refused
  std::optional<IpAddress> server;
  std::optional<IpAddress> netmask;
  std::vector<IpAddress> routers;
  std::vector<IpAddress> name_servers;
  std::string host_name;    ///< as RFC 1123 has it, or empty
  std::string domain_name;  ///< the same
  std::optional<std::uint16_t> mtu;
  std::optional<std::uint32_t> lease_seconds;
  std::optional<std::uint32_t> renewal_seconds;
  std::optional<std::uint32_t> rebinding_seconds;
  friend bool operator==(const Reply&, const Reply&) = default;
};

/// nullopt for what is not a whole answer of a server to an Ethernet client.
[[nodiscard]] std::optional<Reply> parse_reply(std::string_view bytes);

}  // namespace kestrel::dhcp
