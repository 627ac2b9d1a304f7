// Delivers a Unix signal to the loop.
#pragma once

#include <functional>

#include "kestrel/loop/loop.h"

namespace kestrel::loop {

class SignalWatcher {
 public:
  SignalWatcher() = default;
  SignalWatcher(Loop& loop, int signal, std::function<void()> callback);
  SignalWatcher(SignalWatcher&&) noexcept;
  SignalWatcher& operator=(SignalWatcher&&) noexcept;
  ~SignalWatcher();

 private:
  struct Block;
  Block* block_ = nullptr;
};

}  // namespace kestrel::loop
