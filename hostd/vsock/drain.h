// Writes what is left of a connection the guest has closed to the host's descriptor, at the host's pace, and
// then closes it.
#pragma once

#include <functional>

#include "hostd/vsock/byte_queue.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock {

class Drain {
 public:
  /// `on_end` is called once, from the loop, when all is written or cannot be; it may destroy the Drain.
  Drain(loop::Loop& loop, sys::UniqueFd host, ByteQueue bytes, std::function<void(Drain&)> on_end);
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  [[nodiscard]] std::size_t buffered_bytes() const { return bytes_.size(); }

 private:
  void on_writable();

  sys::UniqueFd host_;
  ByteQueue bytes_;
  std::function<void(Drain&)> on_end_;
  loop::FdWatcher watcher_;
};

}  // namespace kestrel::hostd::vsock
