#include "kestrel/sys/pass_fd.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace kestrel::sys {

namespace {

/// One message with room for one descriptor, laid out for sendmsg(2) and recvmsg(2).
struct Envelope {
  explicit Envelope(void* bytes, std::size_t size) : piece{bytes, size} {
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
  iovec piece;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
};

}  // namespace

Result<void> send_fd(int socket, std::string_view bytes, const UniqueFd& fd) {
  Envelope envelope(const_cast<char*>(bytes.data()), bytes.size());
  cmsghdr* const part = CMSG_FIRSTHDR(&envelope.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  const int number = fd.get();
  std::memcpy(CMSG_DATA(part), &number, sizeof number);
  const ssize_t count = ::sendmsg(socket, &envelope.header, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count == static_cast<ssize_t>(bytes.size())) return {};
  return errno_error("cannot pass a descriptor on", count < 0 ? errno : EAGAIN);
}

Result<FdMessage> receive_fd(int socket) {
  char bytes[longest_fd_message];
  Envelope envelope(bytes, sizeof bytes);
  const ssize_t count = ::recvmsg(socket, &envelope.header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count < 0) return errno_error("cannot receive a descriptor", errno == EINTR ? EAGAIN : errno);
  FdMessage message{std::string(bytes, static_cast<std::size_t>(count)), {}};
  const cmsghdr* const part = CMSG_FIRSTHDR(&envelope.header);
  if (part != nullptr && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(part), sizeof number);
    message.fd = UniqueFd(number);
  }
  return message;
}

}  // namespace kestrel::sys
