// What the handles of one loop share. Private to loop/*.cc.
#pragma once

#include <uv.h>

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "kestrel/loop/loop.h"

namespace kestrel::loop {

/// `uv_loop_t::data` points to it.
struct Loop::Shared {
  /// Runs only while tasks are waiting: an idle handle keeps the loop from sleeping.
  uv_idle_t task_runner{};
  std::vector<std::function<void()>> tasks;

  /// For run_once(), which is done when something has.
  uv_prepare_t before_sleep{};
  bool has_called_back = false;

  /// Streams read into it, one at a time; made when the first of them does.
  using ReadBuffer = std::array<char, 64 * 1024>;
  std::unique_ptr<ReadBuffer> read_buffer;

  static Shared& of(const uv_loop_t* loop) { return *static_cast<Shared*>(loop->data); }
};

}  // namespace kestrel::loop
