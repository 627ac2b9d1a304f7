#include "hostd/daemon/admission.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/runner/secrets.h"
#include "kestrel/base/ip_address.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view scheme = "Bearer ";
constexpr std::size_t least_token = 16;

/// By number: what a name leads to may change.
bool is_loopback(std::string_view text) {
  const auto address = parse_ip_address(text);
  if (!address) return false;
  return address->is_v6 ? text == "::1" : text.starts_with("127.");
}

}  // namespace

bool is_same_secret(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (one[i] ^ other[i]));
    // Keeps the compiler from ending the loop early.
    __asm__ volatile("" : "+r"(difference));
  }
  return difference == 0;
}

HttpServer::Guard guard_by_peer() {
  return [](const wire::Request&, int fd) -> std::optional<wire::Response> {
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool is_known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (is_known && (peer.uid == 0 || peer.uid == ::geteuid())) return std::nullopt;
    return wire::problem(403, "hostd serves its own user and root");
  };
}

HttpServer::Guard guard_by_token(std::string token) {
  return [token = std::move(token)](const wire::Request& request, int) -> std::optional<wire::Response> {
    const auto header = wire::find_header(request.headers, "Authorization").value_or("");
    if (header.starts_with(scheme) && is_same_secret(header.substr(scheme.size()), token))
      return std::nullopt;
    wire::Response refusal = wire::problem(401, "this needs hostd's token: Authorization: Bearer TOKEN");
    refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refusal;
  };
}

Result<TcpAddress> parse_listen_address(std::string_view text, Transport transport) {
  const auto failed = [&](std::string_view cause) {
    return Error{concat("cannot listen on `", printable(text), "`: ", cause)};
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return failed("it is not ADDRESS:PORT");
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return failed("its port is no number up to 65535");
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  if (transport == Transport::plain && !is_loopback(address))
    return failed("beyond loopback the token could be read on the way; give --tls-cert and --tls-key");
  if (!parse_ip_address(address)) return failed("its address is no number");
  return TcpAddress{std::string(address), static_cast<std::uint16_t>(*port)};
}

Result<std::string> read_or_make_token(const std::string& path) {
  const sys::UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made.is_open() && errno != EEXIST) return errno_error(concat("cannot create ", path), errno);
  if (made.is_open()) {
    std::string token = random_hex(32);
    const std::string line = token + '\n';
    if (::write(made.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size())) return token;
    const Error failure = errno_error(concat("cannot write ", path), errno);
    ::unlink(path.c_str());
    return failure;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error(concat("cannot read ", path), errno);
  if ((status.st_mode & 077) != 0)
    return Error{concat("cannot use ", path, ": others can read it; chmod 600 ", path)};
  const auto text = sys::read_file(path);
  if (!text) return text.error();
  std::string token(trim(*text));
  if (token.size() < least_token)
    return Error{concat("cannot use ", path, ": a token has at least ", least_token, " characters")};
  return token;
}

}  // namespace kestrel::hostd
