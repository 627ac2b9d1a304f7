// The Unix socket through which clients on the host reach the guest: `CONNECT <port>\n`, then the
// connection's bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock {

/// The longest request line, its end included: `CONNECT 4294967295\n` with some room.
inline constexpr std::size_t max_connect_line = 32;

/// The port of a line without its end (a carriage return before it is accepted); nullopt if it is no such
/// request.
[[nodiscard]] std::optional<std::uint32_t> parse_connect_line(std::string_view line);

class HostAcceptor {
 public:
  /// Listens on `path`, which is removed in the end. `on_client` gets each client that has asked for a port,
  /// non-blocking and with nothing read behind the request; what it does not take is closed.
  [[nodiscard]] static Result<std::unique_ptr<HostAcceptor>> open(
      loop::Loop& loop, std::string path,
      std::function<void(std::uint32_t port, sys::UniqueFd client)> on_client);
  ~HostAcceptor();

 private:
  /// One that has not asked yet.
  struct Client {
    sys::UniqueFd socket;
    std::string line;
    MonotonicTime deadline;
    loop::FdWatcher watcher;
  };
  using ClientPlace = std::list<Client>::iterator;

  /// Clients wait for nothing but themselves; these bounds only keep idle ones from using up descriptors.
  static constexpr std::size_t max_clients = 128;
  static constexpr Duration request_timeout = seconds(30);

  HostAcceptor(loop::Loop& loop, std::string path,
               std::function<void(std::uint32_t, sys::UniqueFd)> on_client);
  void add(sys::UniqueFd socket);
  void on_readable(ClientPlace client);
  void on_timer();

  loop::Loop& loop_;
  std::string path_;
  std::function<void(std::uint32_t, sys::UniqueFd)> on_client_;
  std::list<Client> clients_;  ///< oldest first
  loop::Timer timer_;
  loop::Listener listener_;
};

}  // namespace kestrel::hostd::vsock
