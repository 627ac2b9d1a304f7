#include "kestrel/app/notify_target.h"

#include <array>
#include <limits>
#include <optional>

#include "kestrel/base/text.h"

namespace kestrel::app {

namespace {

constexpr std::array<std::pair<std::string_view, VsockKind>, 3> kinds{{
    {"vsock", VsockKind::any},
    {"vsock-stream", VsockKind::stream},
    {"vsock-seqpacket", VsockKind::packets},
}};

std::optional<std::uint32_t> parse_number(std::string_view text) {
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

Result<NotifyTarget> parse_notify_target(std::string_view text) {
  text = trim(text);
  if (text.starts_with('/')) return NotifyTarget(UnixTarget{std::string(text)});
  const auto parts = split(text, ':');
  for (const auto& [name, kind] : kinds) {
    if (parts.size() != 3 || parts[0] != name) continue;
    const auto cid = parse_number(parts[1]), port = parse_number(parts[2]);
    if (cid && port) return NotifyTarget(VsockTarget{kind, *cid, *port});
  }
  return Error{
      concat("cannot use vmm.notify_socket=", printable(text),
             ": it is neither vsock:CID:PORT, vsock-stream:CID:PORT, vsock-seqpacket:CID:PORT nor a path")};
}

}  // namespace kestrel::app
