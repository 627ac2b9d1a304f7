// What a resource is asked and what it answers. Resources are plain functions from a Call to an Answer; they
// never see a socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/control/followers.h"
#include "kestrel/control/guest.h"
#include "kestrel/wire/http.h"

namespace kestrel::control {

struct Call {
  const wire::Request& request;
  const wire::Target& target;
  std::string_view name;  ///< what stands at the `*` of the route's pattern
  Guest& guest;
};

/// A body that is made while it is sent, as newline-delimited JSON in chunks. It is asked for more only when
/// the reader has taken what there was: a slow reader holds up nobody, it finds a gap.
class BodySource {
 public:
  enum class State { more, waiting, finished };
  virtual ~BodySource() = default;
  /// Appends the next piece, some tens of KiB at most. `waiting`: ask again when followers() were woken.
  [[nodiscard]] virtual State produce(std::string& out) = 0;
  [[nodiscard]] virtual Followers& followers() = 0;
};

/// The connection becomes a tunnel to the first of the addresses that accepts.
struct OpenTunnel {
  std::vector<std::string> addresses;
  std::uint16_t port = 0;
};

using Answer = std::variant<wire::Response, std::unique_ptr<BodySource>, OpenTunnel>;

/// An answer without a body.
[[nodiscard]] inline wire::Response empty_response(int status) {
  return {.status = status, .headers = {}, .body = {}, .keep_alive = true};
}

}  // namespace kestrel::control
