// Who may use hostd's API. Whoever may use it owns all its VMs.
//
// On its Unix socket that is its own user and root, as the kernel tells (SO_PEERCRED), whatever the socket's
// permissions came to be. Over TCP it is who presents the token; without TLS a token can be read on the way,
// so that such a port is opened on a loopback address alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hostd/http/http_server.h"

namespace kestrel::hostd {

[[nodiscard]] HttpServer::Guard guard_by_peer();
[[nodiscard]] HttpServer::Guard guard_by_token(std::string token);

/// Takes the same time whatever the texts have in common, if they are of one length.
[[nodiscard]] bool is_same_secret(std::string_view one, std::string_view other);

struct TcpAddress {
  std::string address;
  std::uint16_t port = 0;
};
enum class Transport { plain, tls };
/// `ADDRESS:PORT`; an IPv6 address stands in brackets. An address beyond loopback is refused without TLS.
[[nodiscard]] Result<TcpAddress> parse_listen_address(std::string_view text, Transport transport);

/// The token in a file that its owner alone can read; one that is not there is made, with a new token.
[[nodiscard]] Result<std::string> read_or_make_token(const std::string& path);

}  // namespace kestrel::hostd
