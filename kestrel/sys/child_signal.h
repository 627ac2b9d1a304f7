// SIGCHLD as a descriptor (signalfd(2)): for the one reaper, which meets thousands of ends a second and has
// no use for a handler that interrupts it for each.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>

#include "kestrel/sys/fd.h"

namespace kestrel::sys {

class ChildSignal {
 public:
  /// Blocks SIGCHLD in the calling thread for as long as this lives. Children that are spawned (process.h)
  /// start with nothing blocked all the same.
  ChildSignal();
  ~ChildSignal();
  ChildSignal(const ChildSignal&) = delete;
  ChildSignal& operator=(const ChildSignal&) = delete;

  /// Readable while children have ended since the last take().
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The first of those that have ended; others make no signal of their own. It may have been reaped
  /// meanwhile.
  std::optional<pid_t> take();

 private:
  sigset_t before_;
  UniqueFd fd_;
};

}  // namespace kestrel::sys
