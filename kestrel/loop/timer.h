// A one-shot timer. Arming an armed timer moves it.
#pragma once

#include <functional>

#include "kestrel/base/time.h"
#include "kestrel/loop/loop.h"

namespace kestrel::loop {

class Timer {
 public:
  Timer() = default;
  Timer(Loop& loop, std::function<void()> callback);
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  ~Timer();

  /// Never calls back before `at`; libuv's timers have a grain of one millisecond, so up to that later.
  void arm(MonotonicTime at);
  void arm(Duration after);
  void disarm();
  [[nodiscard]] bool is_armed() const;

 private:
  struct Block;
  Block* block_ = nullptr;
};

}  // namespace kestrel::loop
