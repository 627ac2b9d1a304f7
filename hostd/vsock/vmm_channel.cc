#include "hostd/vsock/vmm_channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace kestrel::hostd::vsock {

namespace {

constexpr std::string_view cannot_read = "cannot read from the VMM";

Error closed() { return {"the VMM closed its end", 0}; }

/// Owns all descriptors that came with a message. False if some were lost because there were too many.
bool take_files(msghdr& message, std::vector<sys::UniqueFd>& files) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      files.emplace_back(fd);
    }
  }
  return (message.msg_flags & MSG_CTRUNC) == 0 && files.size() <= max_message_files;
}

}  // namespace

VmmChannel::VmmChannel(sys::UniqueFd socket) : socket_(std::move(socket)) {
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

void VmmChannel::close() {
  socket_.reset();
  files_.clear();
}

Result<bool> VmmChannel::fill(std::size_t wanted) {
  while (buffer_.size() < wanted) {
    const std::size_t before = buffer_.size();
    buffer_.resize(wanted);
    iovec piece{buffer_.data() + before, wanted - before};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_message_files)];
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    const int error = errno;
    buffer_.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
    if (count < 0) {
      if (error == EAGAIN || error == EINTR) return false;
      // So ends a socket whose other end was closed with an answer of ours unread.
      if (error == ECONNRESET && before == 0) return closed();
      return errno_error(cannot_read, error);
    }
    if (count == 0) return before == 0 ? closed() : errno_error(cannot_read, ECONNRESET);
    if (!take_files(message, files_)) return errno_error(cannot_read, ETOOMANYREFS);
  }
  return true;
}

Result<std::optional<Message>> VmmChannel::receive() {
  auto has_header = fill(message_header_size);
  if (!has_header) return has_header.error();
  if (!*has_header) return std::optional<Message>();
  auto header = decode_message_header(std::span(buffer_).first<message_header_size>());
  if (!header) return header.error();
  auto is_whole = fill(message_header_size + header->payload_size);
  if (!is_whole) return is_whole.error();
  if (!*is_whole) return std::optional<Message>();
  Message message{*header, {buffer_.begin() + message_header_size, buffer_.end()}, std::exchange(files_, {})};
  buffer_.clear();
  return std::optional(std::move(message));
}

Result<void> VmmChannel::send(std::string_view reply) {
  const ssize_t count = ::send(socket_.get(), reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count == static_cast<ssize_t>(reply.size())) return {};
  return errno_error("cannot answer the VMM", count < 0 ? errno : EMSGSIZE);
}

}  // namespace kestrel::hostd::vsock
