#include "hostd/runner/publisher.h"

#include "hostd/runner/preambles.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

namespace {
/// Who comes beyond that is sent away.
constexpr std::size_t most_waiting = 64;
}  // namespace

Result<void> Publisher::publish(const PublishedPort& port) {
  auto socket = sys::listen_tcp(port.address, port.host);
  if (!socket) return socket.error().in(concat("cannot publish ", format_published_port(port)));
  const auto bound = sys::bound_tcp_port(*socket);
  if (!bound) return bound.error();
  ports_.push_back(port);
  ports_.back().host = *bound;
  listeners_.emplace_back(loop_, std::move(*socket), [this, guest = port.guest](sys::UniqueFd connection) {
    join(std::move(connection), guest);
  });
  return {};
}

Result<void> Publisher::publish_api(const std::string& socket_path) {
  auto socket = sys::listen_unix(socket_path, 0600);
  if (!socket) return socket.error();
  listeners_.emplace_back(loop_, std::move(*socket),
                          [this](sys::UniqueFd connection) { join_api(std::move(connection)); });
  return {};
}

void Publisher::join(sys::UniqueFd connection, std::uint16_t guest_port) {
  const auto token = token_();
  if (!token) return;
  sys::disable_nagle(connection.get());
  dialer_.connect(wire::vsock_port, std::move(connection), tunnel_preamble(guest_port, *token),
                  [guest_port](const Result<void>& joined) {
                    if (!joined)
                      log_debug("cannot reach port ", guest_port, " of the guest: ", joined.error().message);
                  });
}

void Publisher::join_api(sys::UniqueFd connection) {
  const auto token = token_();
  if (!token) {
    if (waiting_.size() < most_waiting) waiting_.push_back(std::move(connection));
    return;
  }
  dialer_.connect(wire::vsock_port, std::move(connection), session_preamble(*token),
                  [](const Result<void>& joined) {
                    if (!joined) log_warning("cannot reach the guest's API: ", joined.error().message);
                  });
}

void Publisher::hold() {
  for (auto& listener : listeners_) listener.set_accepting(loop::Listener::Accepting::no);
}

void Publisher::let_in() {
  for (auto& listener : listeners_) listener.set_accepting(loop::Listener::Accepting::yes);
}

void Publisher::guest_came_up() {
  for (sys::UniqueFd& connection : std::exchange(waiting_, {})) join_api(std::move(connection));
}

}  // namespace kestrel::hostd
