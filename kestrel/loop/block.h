// The block: the half of a handle that libuv points to. Private to loop/*.cc, the one place where <uv.h> is
// known.
#pragma once

#include <uv.h>

#include <functional>
#include <utility>

#include "kestrel/loop/shared.h"

namespace kestrel::loop {

/// Base of every owner's Block. `handle.data` points to the whole block, never to the owner.
template <typename Handle>
struct HandleBlock {
  Handle handle{};
  /// The owner has let go: no callback is called any more.
  bool is_detached = false;
};

template <typename Block>
Block& block_of(const void* data) {
  return *static_cast<Block*>(const_cast<void*>(data));
}

template <typename Block>
uv_handle_t* handle_of(Block& block) {
  return reinterpret_cast<uv_handle_t*>(&block.handle);
}

/// Asks libuv to let go of the handle; the block is freed when it has, and nowhere else.
template <typename Block>
void close_handle(Block& block) {
  block.is_detached = true;
  uv_close(handle_of(block), [](uv_handle_t* handle) { delete static_cast<Block*>(handle->data); });
}

/// What an owner's destructor does. The callback goes at once, and with it all that it holds.
template <typename Block>
void close_block(Block* block) {
  if (block == nullptr) return;
  close_handle(*block);
  block->callback = nullptr;
}

/// Calls `callback`, which may destroy or replace the block's owner, and so itself: it is held here while it
/// runs.
template <typename Block, typename... Params, typename... Args>
void run_callback(Block& block, std::function<void(Params...)>& callback, Args&&... args) {
  Loop::Shared::of(block.handle.loop).has_called_back = true;
  if (!callback) return;
  auto running = std::exchange(callback, nullptr);
  running(std::forward<Args>(args)...);
  if (!block.is_detached) callback = std::move(running);
}

}  // namespace kestrel::loop
