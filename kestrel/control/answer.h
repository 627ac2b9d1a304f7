// What a resource is asked and what it answers. Resources are plain functions from a Call to an Answer; they
// never see a socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/control/followers.h"
#include "kestrel/control/guest.h"
#include "kestrel/sys/fd.h"
#include "kestrel/wire/http.h"

namespace kestrel::control {

struct Call {
  const wire::Request& request;
  const wire::Target& target;
  std::string_view name;  ///< what stands at the `*` of the route's pattern
  Guest& guest;
};

/// What goes before a body that is made while it is sent.
struct BodyHead {
  wire::Headers headers = {{"Content-Type", "application/x-ndjson"}};
  /// Exactly so many bytes follow; unset: they go in chunks until the source has finished.
  std::optional<Bytes> length = {};
};

/// What comes next of a body.
struct BodyPiece {
  std::string made;
  std::string_view lent;  ///< instead: bytes that stay where they are until the next piece
};

/// A body that is made while it is sent. It is asked for more only when the reader has taken what there was:
/// a slow reader holds up nobody.
class BodySource {
 public:
  enum class State {
    more,
    waiting,
    finished,
    failed,  ///< the connection is cut: what has been sent cannot be taken back
  };
  virtual ~BodySource() = default;
  [[nodiscard]] virtual BodyHead head() const { return {}; }
  /// Makes the next piece, some tens of KiB at most. `waiting`: ask again when followers() were woken.
  [[nodiscard]] virtual State produce(BodyPiece& out) = 0;
  [[nodiscard]] virtual Followers& followers() = 0;
};

/// The connection becomes a tunnel to the first of the addresses that accepts.
struct OpenTunnel {
  std::vector<std::string> addresses;
  std::uint16_t port = 0;
};

/// A request that is worked on piece by piece, with everything else of the loop in between: it takes a body
/// while that comes, and goes on by itself after that. Destroying it before it has answered gives it up.
class Work {
 public:
  virtual ~Work() = default;
  /// The next piece of the body. An answer ends the work: nothing more is wanted.
  [[nodiscard]] virtual std::optional<wire::Response> take(std::string_view piece) = 0;
  /// The body is complete. Called in every turn of the loop until there is an answer.
  [[nodiscard]] virtual std::optional<wire::Response> go_on() = 0;
};

/// An answer that is not there yet. It becomes a response, or it takes the connection over. Destroying it
/// says that nobody waits for it any more.
class LateAnswer {
 public:
  /// With the response, or with nothing where the connection is to be taken over.
  using Done = std::function<void(std::optional<wire::Response>)>;
  virtual ~LateAnswer() = default;
  /// `done` is called once, perhaps from inside.
  virtual void begin(Done done) = 0;
  /// The connection's socket, on which earlier answers have been sent, and what had come on it behind the
  /// request.
  virtual void take_over(sys::UniqueFd socket, std::string received) = 0;
};

using Answer = std::variant<wire::Response, std::unique_ptr<BodySource>, std::unique_ptr<Work>, OpenTunnel,
                            std::unique_ptr<LateAnswer>>;

/// An answer without a body.
[[nodiscard]] inline wire::Response empty_response(int status) {
  return {.status = status, .headers = {}, .body = {}, .keep_alive = true};
}

}  // namespace kestrel::control
