#include "kestrel/loop/fd_watcher.h"

#include "kestrel/base/log.h"
#include "kestrel/loop/block.h"

namespace kestrel::loop {

struct FdWatcher::Block : HandleBlock<uv_poll_t> {
  std::function<void(Interest)> callback;
  Interest interest;

  void wait() {
    const int events = (interest.readable ? UV_READABLE : 0) | (interest.writable ? UV_WRITABLE : 0) |
                       (interest.priority ? UV_PRIORITIZED : 0);
    if (events == 0) {
      uv_poll_stop(&handle);
    } else {
      uv_poll_start(&handle, events, happened);
    }
  }

  static void happened(uv_poll_t* handle, int status, int events) noexcept {
    auto& block = block_of<Block>(handle->data);
    Interest came{(events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0, (events & UV_PRIORITIZED) != 0};
    if (status < 0) {
      // libuv has stopped waiting and tells no direction. The read or write that follows finds the cause.
      came = block.interest;
      block.wait();
    }
    run_callback(block, block.callback, came);
  }
};

FdWatcher::FdWatcher(Loop& loop, int fd, std::function<void(Interest)> callback) {
  auto block = std::make_unique<Block>();
  if (int error = uv_poll_init(loop.native(), &block->handle, fd); error != 0) {
    log_error("cannot watch descriptor ", fd, ": ", uv_strerror(error));
    return;
  }
  block->callback = std::move(callback);
  block->handle.data = block.get();
  block_ = block.release();
}

FdWatcher::FdWatcher(FdWatcher&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

FdWatcher& FdWatcher::operator=(FdWatcher&& other) noexcept {
  FdWatcher taken(std::move(other));
  std::swap(block_, taken.block_);
  return *this;
}

FdWatcher::~FdWatcher() { close_block(block_); }

void FdWatcher::watch(Interest interest) {
  if (block_ == nullptr || block_->interest == interest) return;
  block_->interest = interest;
  block_->wait();
}

}  // namespace kestrel::loop
