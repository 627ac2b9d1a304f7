// Published ports and api.sock: accepts on the host and hands each connection to the guest. The bytes then
// flow between guest memory and that very descriptor; nothing of ours stands in between.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hostd/runner/guest_dialer.h"
#include "hostd/runner/handoff.h"
#include "hostd/vm_spec.h"
#include "kestrel/loop/listener.h"

namespace kestrel::hostd {

/// The token of the guest that is linked now; nullopt while there is none.
using TokenSource = std::function<std::optional<std::string>()>;

class Publisher {
 public:
  Publisher(loop::Loop& loop, GuestDialer& dialer, TokenSource token)
      : loop_(loop),
        dialer_(dialer),
        token_(std::move(token)),
        handoffs_(loop, [this](sys::UniqueFd connection, std::uint16_t guest_port) {
          join(std::move(connection), guest_port);
        }) {}

  /// Error code EADDRINUSE where the port is taken. Before the guest is linked, connections are closed at
  /// once: as where nobody listens.
  [[nodiscard]] Result<void> publish(const PublishedPort& port);
  /// Before the guest is linked, connections wait for it.
  [[nodiscard]] Result<void> publish_api(const std::string& socket_path);

  /// Takes connections that somebody else has accepted (handoff.h).
  [[nodiscard]] Result<void> take_handoffs(const std::string& socket_path) {
    return handoffs_.listen(socket_path);
  }

  /// The token is there: lets in who waits at api.sock.
  void guest_came_up();

  /// The guest stands still, or goes on. Meanwhile who connects waits in the queue of the socket.
  void hold();
  void let_in();

  /// As published, with the port that was picked where 0 was asked for.
  [[nodiscard]] const std::vector<PublishedPort>& ports() const { return ports_; }

 private:
  void join(sys::UniqueFd connection, std::uint16_t guest_port);
  void join_api(sys::UniqueFd connection);

  loop::Loop& loop_;
  GuestDialer& dialer_;
  TokenSource token_;
  std::vector<PublishedPort> ports_;
  std::vector<loop::Listener> listeners_;
  std::vector<sys::UniqueFd> waiting_;
  HandoffServer handoffs_;
};

}  // namespace kestrel::hostd
