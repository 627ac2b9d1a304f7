// handoff.sock: whoever accepts connections for several VMs (hostd, for a deployment) gives each of them away
// to the VM that is to serve it. The runner joins it to the guest as one of a port of its own: the giver is
// out of the way from then on, and may end.
//
// The giver connects, sends the guest's port, two bytes in network order, with the socket beside them
// (SCM_RIGHTS), and closes. There is no answer: a connection that cannot be joined is closed, as where nobody
// listens.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/listener.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

/// Error code ECONNREFUSED or ENOENT: no runner is there.
[[nodiscard]] Result<void> hand_over(const std::string& socket_path, const sys::UniqueFd& connection,
                                     std::uint16_t guest_port);

class HandoffServer {
 public:
  using Taker = std::function<void(sys::UniqueFd connection, std::uint16_t guest_port)>;
  HandoffServer(loop::Loop& loop, Taker take) : loop_(loop), take_(std::move(take)) {}

  [[nodiscard]] Result<void> listen(const std::string& path);

 private:
  struct Giver {
    sys::UniqueFd socket;
    loop::FdWatcher watcher;
  };
  void accept(sys::UniqueFd socket);
  void receive(std::list<Giver>::iterator giver);

  loop::Loop& loop_;
  Taker take_;
  std::list<Giver> givers_;
  loop::Listener listener_;
};

}  // namespace kestrel::hostd
