#include "kestrel/loop/timer.h"

#include <algorithm>

#include "kestrel/loop/block.h"
#include "kestrel/sys/clock.h"

namespace kestrel::loop {

struct Timer::Block : HandleBlock<uv_timer_t> {
  std::function<void()> callback;
  bool is_running = false;

  static void fired(uv_timer_t* handle) noexcept {
    auto& block = block_of<Block>(handle->data);
    block.is_running = true;
    run_callback(block, block.callback);
    block.is_running = false;
  }
};

namespace {

/// The first whole millisecond that is not before `at`.
std::uint64_t millisecond_at_or_after(MonotonicTime at) {
  constexpr std::int64_t grain = 1'000'000;
  const std::int64_t ns = std::max<std::int64_t>(at.time_since_epoch().count(), 0);
  return static_cast<std::uint64_t>(ns / grain + (ns % grain != 0));
}

}  // namespace

Timer::Timer(Loop& loop, std::function<void()> callback) : block_(new Block) {
  block_->callback = std::move(callback);
  block_->handle.data = block_;
  uv_timer_init(loop.native(), &block_->handle);
}

Timer::Timer(Timer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

Timer& Timer::operator=(Timer&& other) noexcept {
  Timer taken(std::move(other));
  std::swap(block_, taken.block_);
  return *this;
}

Timer::~Timer() { close_block(block_); }

void Timer::arm(MonotonicTime at) {
  // libuv adds what it is given to its own reading of the same clock, in milliseconds and never ahead of it.
  // Taking that reading off first makes the deadline absolute, however old the reading is.
  const std::uint64_t libuv_now = uv_now(block_->handle.loop);
  // libuv goes on firing what is due before it looks at descriptors: a timer that is always due would starve
  // them.
  const std::uint64_t earliest = libuv_now + (block_->is_running ? 1 : 0);
  uv_timer_start(&block_->handle, Block::fired, std::max(millisecond_at_or_after(at), earliest) - libuv_now,
                 0);
}

void Timer::arm(Duration after) {
  // Due already: the next round, and not after the rest of this millisecond.
  if (after <= Duration::zero()) {
    uv_timer_start(&block_->handle, Block::fired, block_->is_running ? 1 : 0, 0);
    return;
  }
  const MonotonicTime now = sys::monotonic_now();
  arm(after < MonotonicTime::max() - now ? now + after : MonotonicTime::max());
}

void Timer::disarm() {
  if (block_ != nullptr) uv_timer_stop(&block_->handle);
}

bool Timer::is_armed() const { return block_ != nullptr && uv_is_active(handle_of(*block_)) != 0; }

}  // namespace kestrel::loop
