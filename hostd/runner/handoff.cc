#include "hostd/runner/handoff.h"

#include <array>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/pass_fd.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t port_size = 2;
/// Who holds more open without sending anything is sent away.
constexpr std::size_t most_givers = 256;

}  // namespace

Result<void> hand_over(const std::string& socket_path, const sys::UniqueFd& connection,
                       std::uint16_t guest_port) {
  const auto socket = sys::connect_unix(socket_path);
  if (!socket) return socket.error();
  const std::array<char, port_size> port = {static_cast<char>(guest_port >> 8),
                                            static_cast<char>(guest_port & 0xff)};
  const auto sent = sys::send_fd(socket->get(), {port.data(), port.size()}, connection);
  if (!sent) return sent.error().in(concat("cannot hand a connection over to ", socket_path));
  return {};
}

Result<void> HandoffServer::listen(const std::string& path) {
  auto socket = sys::listen_unix(path, 0600);
  if (!socket) return socket.error();
  listener_ = loop::Listener(loop_, std::move(*socket),
                             [this](sys::UniqueFd accepted) { accept(std::move(accepted)); });
  return {};
}

void HandoffServer::accept(sys::UniqueFd socket) {
  if (givers_.size() >= most_givers) return;
  const auto giver = givers_.insert(givers_.end(), Giver{std::move(socket), {}});
  giver->watcher =
      loop::FdWatcher(loop_, giver->socket.get(), [this, giver](loop::Interest) { receive(giver); });
  giver->watcher.watch({.readable = true});
}

void HandoffServer::receive(std::list<Giver>::iterator giver) {
  auto message = sys::receive_fd(giver->socket.get());
  if (!message && message.error().code == EAGAIN) return;
  // Its watcher is what calls.
  const auto gone = std::make_shared<std::list<Giver>>();
  gone->splice(gone->end(), givers_, giver);
  gone->front().watcher.watch({});
  loop_.post([gone] {});
  if (!message || message->bytes.size() != port_size || !message->fd.is_open()) return;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(message->bytes[i]); };
  take_(std::move(message->fd), static_cast<std::uint16_t>(byte(0) << 8 | byte(1)));
}

}  // namespace kestrel::hostd
