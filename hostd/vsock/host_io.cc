#include "hostd/vsock/host_io.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace kestrel::hostd::vsock {

namespace {

Pieces one_call(Pieces pieces) { return pieces.first(std::min<std::size_t>(pieces.size(), IOV_MAX)); }

Transfer outcome(ssize_t count, Pieces asked) {
  if (count < 0) return {.count = 0, .error = errno, .is_whole = false};
  const auto moved = static_cast<std::size_t>(count);
  return {.count = moved, .error = 0, .is_whole = moved == total_size(asked)};
}

}  // namespace

bool Transfer::must_wait() const {
  return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ENOMEM;
}

Transfer read_pieces(int fd, Pieces pieces) {
  const Pieces asked = one_call(pieces);
  return outcome(::readv(fd, asked.data(), static_cast<int>(asked.size())), asked);
}

Transfer write_pieces(int fd, Pieces pieces) {
  const Pieces asked = one_call(pieces);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(asked.data());
  message.msg_iovlen = asked.size();
  return outcome(::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT), asked);
}

bool is_hung_up(int fd) {
  pollfd query{.fd = fd, .events = 0, .revents = 0};
  return ::poll(&query, 1, 0) == 1 && (query.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace kestrel::hostd::vsock
