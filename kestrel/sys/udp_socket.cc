#include "kestrel/sys/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "kestrel/base/text.h"

namespace kestrel::sys {

namespace {

/// More than any Ethernet without jumbo frames carries; a longer one is cut off and thereby broken.
constexpr std::size_t longest_datagram = 2048;

sockaddr_in internet_address(const UdpAddress& one) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(one.port);
  std::memcpy(&address.sin_addr, one.address.used().data(), sizeof address.sin_addr);
  return address;
}

}  // namespace

Result<UdpSocket> UdpSocket::open(const std::string& interface, const UdpAddress& own) {
  const std::string what = concat("cannot open UDP port ", own.port, " of ", format(own.address));
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_error(what, errno);
  const int on = 1;
  const sockaddr_in address = internet_address(own);
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &on, sizeof on) != 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                   static_cast<socklen_t>(interface.size())) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno_error(what, errno);
  return UdpSocket(std::move(socket));
}

Result<void> UdpSocket::send(const UdpAddress& to, std::string_view message) const {
  const sockaddr_in address = internet_address(to);
  const auto* target = reinterpret_cast<const sockaddr*>(&address);
  if (::sendto(socket_.get(), message.data(), message.size(), 0, target, sizeof address) >= 0) return {};
  return errno_error(concat("cannot send to ", format(to.address)), errno);
}

std::optional<std::string> UdpSocket::receive() const {
  std::string message(longest_datagram, '\0');
  const ssize_t count = ::recv(socket_.get(), message.data(), message.size(), 0);
  if (count < 0) return std::nullopt;
  message.resize(static_cast<std::size_t>(count));
  return message;
}

}  // namespace kestrel::sys
