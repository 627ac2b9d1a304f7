#include "kestrel/sys/notify_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace kestrel::sys {

namespace {

/// The most that one message can carry (SCM_MAX_FD of the kernel).
constexpr std::size_t most_descriptors = 253;

void close_all(const cmsghdr& header) {
  const auto* data = CMSG_DATA(&header);
  for (std::size_t left = header.cmsg_len - CMSG_LEN(0); left >= sizeof(int); left -= sizeof(int)) {
    int fd = -1;
    std::memcpy(&fd, data, sizeof fd);
    data += sizeof fd;
    UniqueFd(fd).reset();
  }
}

/// The sender's pid, from what came beside the message.
pid_t take_ancillary(msghdr& message) {
  pid_t sender = 0;
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS) close_all(*header);
    if (header->cmsg_type == SCM_CREDENTIALS) {
      ucred credentials{};
      std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
      sender = credentials.pid;
    }
  }
  return sender;
}

}  // namespace

Result<NotifySocket> NotifySocket::open() {
  const auto failed = [] { return errno_error("cannot make a notification socket", errno); };
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return failed();
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0) return failed();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), generic, sizeof address.sun_family) < 0) return failed();
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), generic, &size) < 0) return failed();
  const std::size_t length = size - offsetof(sockaddr_un, sun_path);
  std::string name(address.sun_path, length);
  name.front() = '@';
  return NotifySocket(std::move(socket), std::move(name));
}

std::optional<Notification> NotifySocket::receive() {
  static std::array<char, longest_notification> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(most_descriptors * sizeof(int))>
      ancillary;
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.data();
  message.msg_controllen = ancillary.size();
  ssize_t count;
  do count = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (count < 0 && errno == EINTR);
  if (count < 0) return std::nullopt;
  const pid_t sender = take_ancillary(message);
  return Notification{sender, std::string(buffer.data(), static_cast<std::size_t>(count)),
                      (message.msg_flags & MSG_TRUNC) != 0};
}

}  // namespace kestrel::sys
