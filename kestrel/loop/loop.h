// The event loop. One thread, one Loop; everything below loop/ is the only code that knows libuv.
//
// Every handle has two lives: a movable *owner* (Timer, FdWatcher, …) and a heap block that libuv points to.
// Destroying or re-assigning the owner is the cancel: its callback is never called again, and the block is
// freed when libuv has let go. Callbacks may destroy their own owner. The Loop must outlive its owners; its
// destructor drains: tasks still posted are dropped, streams that are being flushed get their time.
//
// A loop starts no thread and, with nothing to do, sleeps without waking up.
#pragma once

#include <functional>
#include <memory>

#include "kestrel/base/time.h"

struct uv_loop_s;

namespace kestrel::loop {

class Loop {
 public:
  /// Also ignores SIGPIPE for the whole process: writing to a peer that is gone is an error of that stream,
  /// not a death.
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs callbacks until stop(), or until nothing is left that could call back.
  void run();
  /// Waits for and runs one round of callbacks at most; for tests.
  void run_once();
  void stop();

  /// `task` runs once, soon, from the loop and never from inside the caller.
  void post(std::function<void()> task);

  /// The current time, read afresh.
  [[nodiscard]] MonotonicTime now() const;

  [[nodiscard]] uv_loop_s* native() { return native_.get(); }

  /// Private to loop/.
  struct Shared;

 private:
  std::unique_ptr<uv_loop_s> native_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace kestrel::loop
