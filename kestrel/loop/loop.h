// The event loop. One thread, one Loop; everything below loop/ is the only code that knows libuv.
//
// Every handle has two lives: a movable *owner* (Timer, FdWatcher, …) and a heap block that libuv points to. Destroying or
// re-assigning the owner is the cancel: its callback is never called again, and the block is freed when libuv has let go.
// Callbacks may destroy their own owner. The Loop must outlive its owners; its destructor drains.
#pragma once

#include <functional>
#include <memory>

#include "kestrel/base/time.h"

struct uv_loop_s;

namespace kestrel::loop {

class Loop {
 public:
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

 private:
  struct Posted;
  std::unique_ptr<uv_loop_s> native_;
  std::unique_ptr<Posted> posted_;
};

}  // namespace kestrel::loop
