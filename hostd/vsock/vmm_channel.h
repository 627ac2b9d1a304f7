// The front-end's end of the line: whole vhost-user messages with their descriptors, read from a non-blocking
// socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "hostd/vsock/vhost_session.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock {

class VmmChannel {
 public:
  /// A connected Unix stream socket; it is made non-blocking.
  explicit VmmChannel(sys::UniqueFd socket);

  /// Lets go of the front-end, and of descriptors of a message that never became whole.
  void close();

  [[nodiscard]] int fd() const { return socket_.get(); }

  /// The next message; nullopt if it is not there yet. The error has code 0 where the front-end closed its
  /// end between two messages; any error is final.
  [[nodiscard]] Result<std::optional<Message>> receive();

  /// Answers are small and the front-end waits for each: one that does not fit into the socket is an error.
  [[nodiscard]] Result<void> send(std::string_view reply);

 private:
  /// Reads up to `wanted` bytes in all into `buffer_`, with descriptors. True when they are there.
  Result<bool> fill(std::size_t wanted);

  sys::UniqueFd socket_;
  std::vector<std::byte> buffer_;  ///< header, then payload, of the message being read
  std::vector<sys::UniqueFd> files_;
};

}  // namespace kestrel::hostd::vsock
