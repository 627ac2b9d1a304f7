// Accepts connections on a listening socket of any family.
#pragma once

#include <functional>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/fd.h"

namespace kestrel::loop {

class Listener {
 public:
  Listener();
  /// Takes a bound, listening socket. Accepted descriptors are non-blocking and close-on-exec. When the
  /// process is out of descriptors, accepting pauses for 100 ms at a time instead of spinning.
  Listener(Loop& loop, sys::UniqueFd socket, std::function<void(sys::UniqueFd)> on_connection);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

  /// Not accepting, it lets those who connect wait in the socket's own queue, which the kernel bounds.
  enum class Accepting { no, yes };
  void set_accepting(Accepting accepting);

  [[nodiscard]] bool is_open() const { return block_ != nullptr; }

 private:
  struct Block;
  std::unique_ptr<Block> block_;
};

}  // namespace kestrel::loop
