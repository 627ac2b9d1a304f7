#include "kestrel/app/link_target.h"

#include <limits>

#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"

namespace kestrel::app {

Result<Link::Dial> parse_link_target(std::string_view text) {
  const Error malformed{
      concat("cannot use kestrel.link=", text, ": it is neither vsock:CID:PORT nor unix:PATH")};
  if (text.starts_with("unix:/")) {
    return Link::Dial([path = std::string(text.substr(5))] { return sys::connect_unix(path); });
  }
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts[0] != "vsock") return malformed;
  const auto cid = parse_integer(parts[1]);
  const auto port = parts.size() == 3 ? parse_integer(parts[2]) : wire::vsock_port;
  const auto is_number = [](std::optional<std::int64_t> n) {
    return n && *n >= 0 && *n <= std::numeric_limits<std::uint32_t>::max();
  };
  if (!is_number(cid) || !is_number(port)) return malformed;
  return Link::Dial([cid = static_cast<std::uint32_t>(*cid), port = static_cast<std::uint32_t>(*port)] {
    return sys::connect_vsock(cid, port);
  });
}

}  // namespace kestrel::app
