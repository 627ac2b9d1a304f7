// Reads and writes of the host's descriptors: never blocking, no SIGPIPE, straight from and to guest memory.
#pragma once

#include <cstddef>

#include "hostd/vsock/scatter.h"

namespace kestrel::hostd::vsock {

struct Transfer {
  std::size_t count = 0;
  int error = 0;          ///< errno; 0 with a count of 0 is the end of file of a read
  bool is_whole = false;  ///< as much as was asked for, so that there may be more

  /// Nothing moved, but later it may.
  [[nodiscard]] bool must_wait() const;
};

/// Of more pieces than one system call takes, the first ones.
[[nodiscard]] Transfer read_pieces(int fd, Pieces pieces);
[[nodiscard]] Transfer write_pieces(int fd, Pieces pieces);

/// Whether a socket is over in both directions. A Unix socket's peer that closed shows so; a TCP peer shows a
/// half close.
[[nodiscard]] bool is_hung_up(int fd);

}  // namespace kestrel::hostd::vsock
