// Tells when a file descriptor can be read or written (level-triggered). The descriptor stays its owner's:
// close it only after the watcher is gone. One watcher per descriptor. It is made non-blocking. One that
// cannot be waited for (a regular file) is never reported as ready, and logged as the mistake it is.
#pragma once

#include <functional>

#include "kestrel/loop/loop.h"

namespace kestrel::loop {

/// What to wait for, and what came. A hang-up or an error on the descriptor shows as every direction that is
/// waited for: the read or write that follows tells what it is.
struct Interest {
  bool readable = false;
  bool writable = false;
  bool priority = false;  ///< POLLPRI: how cgroup.events tells of a change
  friend bool operator==(Interest, Interest) = default;
};

class FdWatcher {
 public:
  FdWatcher() = default;
  FdWatcher(Loop& loop, int fd, std::function<void(Interest)> callback);
  FdWatcher(FdWatcher&&) noexcept;
  FdWatcher& operator=(FdWatcher&&) noexcept;
  ~FdWatcher();

  /// Replaces what is waited for; {} pauses (a hang-up does not wake a paused watcher). Cheap where nothing
  /// changes.
  void watch(Interest interest);

 private:
  struct Block;
  Block* block_ = nullptr;
};

}  // namespace kestrel::loop
