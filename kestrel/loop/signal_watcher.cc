#include "kestrel/loop/signal_watcher.h"

#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/block.h"

namespace kestrel::loop {

struct SignalWatcher::Block : HandleBlock<uv_signal_t> {
  std::function<void()> callback;

  static void came(uv_signal_t* handle, int) noexcept {
    auto& block = block_of<Block>(handle->data);
    run_callback(block, block.callback);
  }
};

SignalWatcher::SignalWatcher(Loop& loop, int signal, std::function<void()> callback) : block_(new Block) {
  block_->callback = std::move(callback);
  block_->handle.data = block_;
  uv_signal_init(loop.native(), &block_->handle);
  if (int error = uv_signal_start(&block_->handle, Block::came, signal); error != 0) {
    log_error("cannot watch for ", signal_name(signal), ": ", uv_strerror(error));
  }
}

SignalWatcher::SignalWatcher(SignalWatcher&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

SignalWatcher& SignalWatcher::operator=(SignalWatcher&& other) noexcept {
  SignalWatcher taken(std::move(other));
  std::swap(block_, taken.block_);
  return *this;
}

SignalWatcher::~SignalWatcher() { close_block(block_); }

}  // namespace kestrel::loop
