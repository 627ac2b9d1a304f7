#include <algorithm>
#include <array>

#include "kestrel/base/text.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

namespace {

struct Loopback {
  std::string_view host;  ///< as in a CONNECT request
  std::array<const char*, 2> addresses;
};
constexpr std::array loopbacks{
    Loopback{"127.0.0.1", {"127.0.0.1", nullptr}},
    Loopback{"[::1]", {"::1", nullptr}},
    Loopback{"localhost", {"127.0.0.1", "::1"}},
};

}  // namespace

Answer open_tunnel(const Call& call) {
  const std::string_view authority = call.request.target;
  const std::size_t colon = authority.rfind(':');
  const std::int64_t port =
      colon == std::string_view::npos ? 0 : parse_integer(authority.substr(colon + 1)).value_or(0);
  if (port < 1 || port > 65535) return wire::problem(400, "CONNECT needs HOST:PORT");
  const std::string_view host = authority.substr(0, colon);
  const auto* loopback =
      std::find_if(loopbacks.begin(), loopbacks.end(), [host](const Loopback& l) { return l.host == host; });
  if (loopback == loopbacks.end()) {
    return wire::problem(
        403, concat("a tunnel leads to 127.0.0.1, [::1] or localhost only, not to ", printable(host)));
  }
  OpenTunnel tunnel{.addresses = {}, .port = static_cast<std::uint16_t>(port)};
  for (const char* address : loopback->addresses) {
    if (address != nullptr) tunnel.addresses.emplace_back(address);
  }
  return tunnel;
}

}  // namespace kestrel::control
