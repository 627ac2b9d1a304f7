// The guest API's server: HTTP/1.1 + JSON on any number of listening sockets. docs/api.md says what it
// serves.
//
// Who may call depends on the socket. On a Unix socket its permissions decide. On vsock it is the host alone,
// which every connection proves once with the token that the link's welcome agreed on; until there is one,
// nobody may call there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kestrel/control/connection.h"
#include "kestrel/control/guest.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/relay.h"
#include "kestrel/loop/timer.h"

namespace kestrel::control {

enum class Access {
  open,  ///< whoever can connect
  host,  ///< the host, with the token
};

struct ApiOptions {
  ConnectionLimits limits;
  /// Connections and tunnels at the same time; one more is answered 503 and closed.
  std::size_t connections = 1024;
  /// Whether a socket's peer is the host (its CID is 2). Others are not answered at all.
  std::function<bool(int fd)> is_host = [](int) { return false; };
};

class ApiServer final : private ConnectionOwner {
 public:
  /// `loop` and `guest` outlive the server.
  ApiServer(loop::Loop& loop, Guest& guest, ApiOptions options = {});
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// Serves who connects to a bound, listening socket.
  void listen(sys::UniqueFd socket, Access access);
  /// Serves one connected socket.
  void adopt(sys::UniqueFd socket, Access access);
  /// What the host must present from now on; empty: nothing. Connections that have presented one stay.
  void set_token(std::string token) { token_ = std::move(token); }

  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }
  [[nodiscard]] std::size_t tunnel_count() const { return relays_.size(); }

 private:
  Guest& guest() override { return *guest_; }
  bool may_call(const wire::Request& request) const override;
  void retire(Connection& connection) override;
  void start_relay(loop::Relay::Side client, loop::Relay::Side target) override;
  void bury(std::shared_ptr<void> corpse);

  loop::Loop* loop_;
  Guest* guest_;
  ApiOptions options_;
  std::optional<std::string> token_;
  std::vector<loop::Listener> listeners_;
  std::unique_ptr<loop::RelayBuffer> relay_buffer_;  ///< made for the first tunnel
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<loop::Relay>> relays_;
  std::vector<std::shared_ptr<void>>
      corpses_;  ///< over, but perhaps still running: gone in the loop's next round
  loop::Timer burial_;
};

}  // namespace kestrel::control
