#include "hostd/vsock/host_acceptor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd::vsock {

namespace {

enum class LineState { incomplete, complete, bad };

/// Reads on to the end of the line and not a byte further, for those behind it are the guest's.
LineState read_line(int socket, std::string& line) {
  char bytes[max_connect_line];
  const std::size_t room = max_connect_line - line.size();
  const ssize_t seen = ::recv(socket, bytes, room, MSG_PEEK | MSG_DONTWAIT);
  if (seen < 0) return errno == EAGAIN || errno == EINTR ? LineState::incomplete : LineState::bad;
  const std::string_view view(bytes, static_cast<std::size_t>(seen));
  const auto end = view.find('\n');
  const std::size_t taken = end == std::string_view::npos ? view.size() : end + 1;
  if (taken == 0 || ::recv(socket, bytes, taken, MSG_DONTWAIT) != static_cast<ssize_t>(taken))
    return LineState::bad;
  line.append(view.substr(0, end));
  if (end != std::string_view::npos) return LineState::complete;
  return line.size() < max_connect_line ? LineState::incomplete : LineState::bad;
}

}  // namespace

std::optional<std::uint32_t> parse_connect_line(std::string_view line) {
  constexpr std::string_view verb = "CONNECT ";
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.starts_with(verb)) return std::nullopt;
  const auto port = parse_integer(line.substr(verb.size()));
  if (!port || *port < 0 || *port > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*port);
}

Result<std::unique_ptr<HostAcceptor>> HostAcceptor::open(
    loop::Loop& loop, std::string path,
    std::function<void(std::uint32_t port, sys::UniqueFd client)> on_client) {
  auto socket = sys::listen_unix(path, 0600);
  if (!socket) return socket.error();
  std::unique_ptr<HostAcceptor> acceptor(new HostAcceptor(loop, std::move(path), std::move(on_client)));
  acceptor->listener_ =
      loop::Listener(loop, std::move(*socket),
                     [raw = acceptor.get()](sys::UniqueFd client) { raw->add(std::move(client)); });
  return acceptor;
}

HostAcceptor::HostAcceptor(loop::Loop& loop, std::string path,
                           std::function<void(std::uint32_t, sys::UniqueFd)> on_client)
    : loop_(loop),
      path_(std::move(path)),
      on_client_(std::move(on_client)),
      timer_(loop, [this] { on_timer(); }) {}

HostAcceptor::~HostAcceptor() { ::unlink(path_.c_str()); }

void HostAcceptor::add(sys::UniqueFd socket) {
  if (clients_.size() >= max_clients) return;
  clients_.push_back({std::move(socket), {}, loop_.now() + request_timeout, {}});
  const auto client = std::prev(clients_.end());
  client->watcher =
      loop::FdWatcher(loop_, client->socket.get(), [this, client](loop::Interest) { on_readable(client); });
  client->watcher.watch({.readable = true});
  if (!timer_.is_armed()) timer_.arm(client->deadline);
}

void HostAcceptor::on_readable(ClientPlace client) {
  const LineState state = read_line(client->socket.get(), client->line);
  if (state == LineState::incomplete) return;
  const auto port = state == LineState::complete ? parse_connect_line(client->line) : std::nullopt;
  client->watcher = {};
  sys::UniqueFd socket = std::move(client->socket);
  clients_.erase(client);
  if (port) on_client_(*port, std::move(socket));
}

void HostAcceptor::on_timer() {
  const MonotonicTime now = loop_.now();
  while (!clients_.empty() && clients_.front().deadline <= now) clients_.pop_front();
  if (!clients_.empty()) timer_.arm(clients_.front().deadline);
}

}  // namespace kestrel::hostd::vsock
