#include "kestrel/sys/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
// Its structures name sockaddr: it must come after <sys/socket.h>.
#include <linux/vm_sockets.h>

#include <cerrno>
#include <cstring>

#include "kestrel/base/text.h"

namespace kestrel::sys {

namespace {

/// Of a vsock connection. Four times the kernel's default: more goes on arriving while what has is passed on.
constexpr std::uint64_t receive_buffer = 1024 * 1024;

/// An address of any family, and what a person calls it.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string name;

  template <typename Specific>
  Specific& as() {
    size = sizeof(Specific);
    return reinterpret_cast<Specific&>(storage);
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<Address> unix_address(const std::string& path) {
  if (path.empty()) return Error{"a Unix socket needs a path", EINVAL};
  if (path.size() > longest_unix_path) {
    return Error{concat("cannot use ", path, " as a Unix socket: the path has ", path.size(),
                        " bytes, at most ", longest_unix_path, " fit"),
                 ENAMETOOLONG};
  }
  Address address;
  auto& un = address.as<sockaddr_un>();
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
  address.name = path;
  return address;
}

Result<Address> tcp_address(const std::string& text, std::uint16_t port) {
  Address address;
  if (in_addr v4{}; ::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    auto& in = address.as<sockaddr_in>();
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    in.sin_addr = v4;
    address.name = concat(text, ":", port);
    return address;
  }
  if (in6_addr v6{}; ::inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    auto& in = address.as<sockaddr_in6>();
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    in.sin6_addr = v6;
    address.name = concat("[", text, "]:", port);
    return address;
  }
  return Error{concat("cannot use ", text, " as an address: not a numeric IPv4 or IPv6 address"), EINVAL};
}

Address vsock_address(std::uint32_t cid, std::uint32_t port) {
  Address address;
  auto& vm = address.as<sockaddr_vm>();
  vm.svm_family = AF_VSOCK;
  vm.svm_cid = cid;
  vm.svm_port = port;
  address.name = concat("vsock port ", port);
  if (cid != VMADDR_CID_ANY) address.name += concat(" of CID ", cid);
  return address;
}

Result<UniqueFd> make_socket(const Address& address, int type = SOCK_STREAM) {
  UniqueFd socket(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_error(concat("cannot make a socket for ", address.name), errno);
  return socket;
}

Error listen_error(const Address& address, int code) {
  return errno_error(concat("cannot listen on ", address.name), code);
}

Result<void> bind_and_listen(const UniqueFd& socket, const Address& address) {
  if (::bind(socket.get(), address.get(), address.size) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
    return listen_error(address, errno);
  }
  return {};
}

Result<UniqueFd> connect_with(UniqueFd socket, const Address& address) {
  if (::connect(socket.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
    return errno_error(concat("cannot connect to ", address.name), errno);
  }
  return socket;
}

Result<UniqueFd> connect_to(const Address& address, int type = SOCK_STREAM) {
  auto socket = make_socket(address, type);
  if (!socket) return socket;
  return connect_with(std::move(*socket), address);
}

/// Removes a socket file that nobody serves any more. True if there was one.
bool remove_stale(const Address& address) {
  struct stat status {};
  if (::lstat(address.name.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  auto attempt = connect_to(address);
  if (attempt || attempt.error().code != ECONNREFUSED) return false;
  return ::unlink(address.name.c_str()) == 0;
}

}  // namespace

Result<UniqueFd> listen_unix(const std::string& path, unsigned mode) {
  auto address = unix_address(path);
  if (!address) return address.error();
  auto socket = make_socket(*address);
  if (!socket) return socket;
  // bind() makes the file with the socket's own mode, less the umask: at no moment can more people connect
  // than may.
  ::fchmod(socket->get(), mode);
  auto listening = bind_and_listen(*socket, *address);
  if (!listening && listening.error().code == EADDRINUSE && remove_stale(*address)) {
    listening = bind_and_listen(*socket, *address);
  }
  if (!listening) return listening.error();
  if (::chmod(path.c_str(), mode) != 0) return listen_error(*address, errno);
  return socket;
}

Result<UniqueFd> connect_unix(const std::string& path) {
  auto address = unix_address(path);
  if (!address) return address.error();
  return connect_to(*address);
}

Result<UniqueFd> listen_tcp(const std::string& address, std::uint16_t port) {
  auto parsed = tcp_address(address, port);
  if (!parsed) return parsed.error();
  auto socket = make_socket(*parsed);
  if (!socket) return socket;
  // Otherwise a restart has to wait for the connections of the last run to leave TIME_WAIT.
  const int on = 1;
  ::setsockopt(socket->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (auto listening = bind_and_listen(*socket, *parsed); !listening) return listening.error();
  return socket;
}

Result<std::uint16_t> bound_tcp_port(const UniqueFd& socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return errno_error("cannot tell the port of a socket", errno);
  }
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(storage).sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
  return errno_error("cannot tell the port of a socket", EAFNOSUPPORT);
}

Result<UniqueFd> connect_tcp(const std::string& address, std::uint16_t port) {
  auto parsed = tcp_address(address, port);
  if (!parsed) return parsed.error();
  return connect_to(*parsed);
}

Result<UniqueFd> listen_vsock(std::uint32_t port) {
  const Address address = vsock_address(VMADDR_CID_ANY, port);
  auto socket = make_socket(address);
  if (!socket) return socket;
  // Connections that are accepted have the socket's buffers.
  ::setsockopt(socket->get(), AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &receive_buffer,
               sizeof receive_buffer);
  ::setsockopt(socket->get(), AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &receive_buffer, sizeof receive_buffer);
  if (auto listening = bind_and_listen(*socket, address); !listening) return listening.error();
  return socket;
}

Result<std::uint32_t> bound_vsock_port(const UniqueFd& socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return errno_error("cannot tell the port of a socket", errno);
  }
  if (storage.ss_family != AF_VSOCK) return errno_error("cannot tell the port of a socket", EAFNOSUPPORT);
  return reinterpret_cast<sockaddr_vm&>(storage).svm_port;
}

Result<UniqueFd> connect_vsock(std::uint32_t cid, std::uint32_t port, Duration limit) {
  const Address address = vsock_address(cid, port);
  auto socket = make_socket(address);
  if (!socket) return socket;
  const timeval time{.tv_sec = to_ms(limit) / 1000, .tv_usec = to_ms(limit) % 1000 * 1000};
  ::setsockopt(socket->get(), AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &time, sizeof time);
  return connect_with(std::move(*socket), address);
}

Result<UniqueFd> connect_vsock_packets(std::uint32_t cid, std::uint32_t port) {
  return connect_to(vsock_address(cid, port), SOCK_SEQPACKET);
}

Result<std::uint32_t> vsock_peer_cid(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return errno_error("cannot tell a connection's CID", errno);
  }
  if (storage.ss_family != AF_VSOCK) return errno_error("cannot tell a connection's CID", EAFNOSUPPORT);
  return reinterpret_cast<sockaddr_vm&>(storage).svm_cid;
}

void disable_nagle(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool cork(int fd) {
  const int on = 1;
  return ::setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0;
}

void uncork(int fd) {
  const int off = 0;
  ::setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
}

}  // namespace kestrel::sys
