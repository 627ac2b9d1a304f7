#include "hostd/daemon/balancer.h"

#include "hostd/runner/handoff.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

Result<void> Balancer::open(const std::vector<PublishedPort>& ports) {
  std::vector<PublishedPort> bound;
  std::vector<sys::UniqueFd> sockets;
  for (const PublishedPort& port : ports) {
    auto socket = sys::listen_tcp(port.address, port.host);
    if (!socket) return socket.error().in(concat("cannot publish ", format_published_port(port)));
    const auto number = sys::bound_tcp_port(*socket);
    if (!number) return number.error();
    bound.push_back(port);
    bound.back().host = *number;
    sockets.push_back(std::move(*socket));
  }
  ports_ = std::move(bound);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    listeners_.emplace_back(
        loop_, std::move(sockets[i]),
        [this, guest = ports_[i].guest](const sys::UniqueFd& connection) { give_away(connection, guest); });
  }
  return {};
}

/// One after another; who cannot be reached is passed over. Where nobody can, the connection is closed, as
/// where nobody listens.
void Balancer::give_away(const sys::UniqueFd& connection, std::uint16_t guest_port) {
  const std::vector<std::string> targets = targets_();
  for (std::size_t tried = 0; tried < targets.size(); ++tried) {
    const std::string& folder = targets[turn_++ % targets.size()];
    const auto given = hand_over(concat(folder, '/', handoff_socket), connection, guest_port);
    if (given) return;
    log_debug(given.error().message);
  }
}

}  // namespace kestrel::hostd
