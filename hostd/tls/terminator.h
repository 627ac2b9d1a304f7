// Ends TLS: takes encrypted connections, and gives away the plain side of each as a socket of its own.
//
// Strangers speak to it, and it holds the key: it is all that the program `hostd-tls` does, so that neither
// is in the daemon's memory. A connection whose handshake fails, or takes long, is closed and never given
// away.
#pragma once

#include <functional>
#include <list>

#include "hostd/tls/identity.h"
#include "kestrel/base/time.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/loop.h"

namespace kestrel::hostd {

struct TlsLimits {
  std::size_t connections = 2048;  ///< who comes beyond waits in the socket's queue
  Duration handshake = seconds(10);
  Duration farewell = seconds(10);  ///< for what the client has not taken yet when the plain side has closed
};

class TlsTerminator {
 public:
  using Taker = std::function<void(sys::UniqueFd plain)>;
  TlsTerminator(loop::Loop& loop, TlsContext context, TlsLimits limits, Taker take);
  ~TlsTerminator();
  TlsTerminator(const TlsTerminator&) = delete;
  TlsTerminator& operator=(const TlsTerminator&) = delete;

  /// Takes connections from a bound, listening socket.
  void listen(sys::UniqueFd socket);
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  class Connection;
  friend class Connection;
  void accept(sys::UniqueFd socket);
  void drop(Connection& connection);

  loop::Loop& loop_;
  TlsContext context_;
  TlsLimits limits_;
  Taker take_;
  loop::Listener listener_;
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace kestrel::hostd
