#include "hostd/runner/handoff.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t port_size = 2;
/// Who holds more open without sending anything is sent away.
constexpr std::size_t most_givers = 256;

/// One message with one descriptor, laid out for sendmsg(2) and recvmsg(2).
struct Message {
  Message() {
    piece = {port, sizeof port};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
  unsigned char port[port_size] = {};
  iovec piece{};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
};

/// The descriptor that came with it; not open where none did.
sys::UniqueFd take_descriptor(msghdr& header) {
  const cmsghdr* part = CMSG_FIRSTHDR(&header);
  if (part == nullptr || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(part), sizeof fd);
  return sys::UniqueFd(fd);
}

}  // namespace

Result<void> hand_over(const std::string& socket_path, const sys::UniqueFd& connection,
                       std::uint16_t guest_port) {
  const auto socket = sys::connect_unix(socket_path);
  if (!socket) return socket.error();
  Message message;
  message.port[0] = static_cast<unsigned char>(guest_port >> 8);
  message.port[1] = static_cast<unsigned char>(guest_port & 0xff);
  cmsghdr* part = CMSG_FIRSTHDR(&message.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = connection.get();
  std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  if (::sendmsg(socket->get(), &message.header, MSG_NOSIGNAL) != static_cast<ssize_t>(port_size))
    return errno_error(concat("cannot hand a connection over to ", socket_path), errno);
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
  Message message;
  const ssize_t count = ::recvmsg(giver->socket.get(), &message.header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  sys::UniqueFd connection = take_descriptor(message.header);
  // Its watcher is what calls.
  const auto gone = std::make_shared<std::list<Giver>>();
  gone->splice(gone->end(), givers_, giver);
  gone->front().watcher.watch({});
  loop_.post([gone] {});
  if (count != static_cast<ssize_t>(port_size) || !connection.is_open()) return;
  take_(std::move(connection), static_cast<std::uint16_t>(message.port[0] << 8 | message.port[1]));
}

}  // namespace kestrel::hostd
