#include "kestrel/loop/connector.h"

#include <sys/socket.h>

#include <cerrno>

#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/timer.h"

namespace kestrel::loop {

struct Connector::Block {
  sys::UniqueFd socket;
  std::function<void(Result<sys::UniqueFd>)> done;
  Timer timeout;
  FdWatcher watcher;

  /// 0 = connected. The call at the end may destroy the block.
  void finish(int error) {
    watcher = {};
    timeout = {};
    auto call = std::exchange(done, nullptr);
    auto connected = std::move(socket);
    if (error == 0) {
      call(std::move(connected));
    } else {
      connected.reset();
      call(errno_error("cannot connect", error));
    }
  }

  [[nodiscard]] int outcome() const {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
  }
};

Connector::Connector(Loop& loop, sys::UniqueFd socket, Duration timeout,
                     std::function<void(Result<sys::UniqueFd>)> done)
    : block_(std::make_unique<Block>()) {
  Block* block = block_.get();
  block->socket = std::move(socket);
  block->done = std::move(done);
  block->timeout = Timer(loop, [block] { block->finish(ETIMEDOUT); });
  block->timeout.arm(timeout);
  block->watcher =
      FdWatcher(loop, block->socket.get(), [block](Interest) { block->finish(block->outcome()); });
  block->watcher.watch({.writable = true});
}

Connector::Connector() = default;
Connector::Connector(Connector&&) noexcept = default;
Connector& Connector::operator=(Connector&&) noexcept = default;
Connector::~Connector() = default;

bool Connector::is_pending() const { return block_ != nullptr && block_->done != nullptr; }

}  // namespace kestrel::loop
