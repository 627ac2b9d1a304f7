#include "kestrel/loop/listener.h"

#include <sys/socket.h>

#include <cerrno>

namespace kestrel::loop {

namespace {
constexpr Duration pause_without_descriptors = milliseconds(100);
}

struct Listener::Block {
  sys::UniqueFd socket;
  /// Shared with the call that is running, which may destroy the listener.
  std::shared_ptr<std::function<void(sys::UniqueFd)>> on_connection;
  Timer pause;
  FdWatcher watcher;
  Accepting accepting = Accepting::yes;

  void watch() { watcher.watch({.readable = accepting == Accepting::yes && !pause.is_armed()}); }
  /// One connection a round: after the call nothing of the block may be touched.
  void accept_one() {
    sys::UniqueFd connection(::accept4(socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.is_open()) {
      auto held = on_connection;
      (*held)(std::move(connection));
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      pause.arm(pause_without_descriptors);
      watch();
    }
  }
};

Listener::Listener(Loop& loop, sys::UniqueFd socket, std::function<void(sys::UniqueFd)> on_connection)
    : block_(std::make_unique<Block>()) {
  Block* block = block_.get();
  block->socket = std::move(socket);
  block->on_connection = std::make_shared<std::function<void(sys::UniqueFd)>>(std::move(on_connection));
  block->pause = Timer(loop, [block] { block->watch(); });
  block->watcher = FdWatcher(loop, block->socket.get(), [block](Interest) { block->accept_one(); });
  block->watch();
}

void Listener::set_accepting(Accepting accepting) {
  block_->accepting = accepting;
  block_->watch();
}

Listener::Listener() = default;
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

}  // namespace kestrel::loop
