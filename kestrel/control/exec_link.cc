#include "kestrel/control/exec_link.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace kestrel::control {

namespace {

/// Pieces read in one go, so that one busy client does not keep the loop from everything else.
constexpr int pieces_per_turn = 4;
constexpr Duration time_to_close = seconds(1);
/// A client that makes us answer without reading the answers is a broken one.
constexpr std::size_t longest_control_queue = 64 * 1024;

bool is_worth_retrying(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

ExecLink::ExecLink(loop::Loop& loop, BatchPool& pool, sys::UniqueFd socket, std::string head,
                   Callbacks callbacks)
    : loop_(&loop),
      pool_(&pool),
      socket_(std::move(socket)),
      callbacks_(std::move(callbacks)),
      keepalive_(loop.now()),
      control_(std::move(head)),
      watcher_(loop, socket_.get(), [this](loop::Interest ready) { handle_ready(ready); }),
      timer_(loop, [this] { turn(); }) {
  timer_.arm(keepalive_.deadline());
  watch();
}

// --- reading -----------------------------------------------------------------------------------------------

void ExecLink::handle_ready(loop::Interest ready) {
  if (ready.readable) read_some();
  if (ready.writable && !is_over_) {
    flush();
    if (is_clear() && !is_finishing_) callbacks_.on_clear();
  }
}

void ExecLink::read_some() {
  // One buffer for all: nothing in here reads from another link.
  static std::array<char, 64 * 1024> buffer;
  for (int piece = 0; piece < pieces_per_turn && !is_over_; ++piece) {
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && is_worth_retrying(errno)) return;
    if (count <= 0) return end();
    receive({buffer.data(), static_cast<std::size_t>(count)});
    // What leaves room has emptied the socket: another look would find nothing.
    if (static_cast<std::size_t>(count) < buffer.size()) return;
  }
}

void ExecLink::receive(std::string_view bytes) {
  keepalive_.heard();
  while (!is_over_ && !is_finishing_) {
    const auto frame = reader_.next(bytes);
    if (!frame) return end();
    if (!*frame) return;
    callbacks_.on_frame(**frame);
  }
}

void ExecLink::turn() {
  switch (is_finishing_ && is_clear() ? wire::Keepalive::Due::dead : keepalive_.turn(loop_->now())) {
    case wire::Keepalive::Due::dead:
      return end();
    case wire::Keepalive::Due::send:
      // Behind what waits already, it would not be a sign of anything.
      if (is_clear()) send(wire::FrameType::keepalive);
      break;
    case wire::Keepalive::Due::nothing:
      break;
  }
  if (!is_over_) timer_.arm(keepalive_.deadline());
}

// --- writing -----------------------------------------------------------------------------------------------

void ExecLink::send(wire::FrameType type, std::string_view payload, std::uint8_t flags) {
  if (is_over_ || is_finishing_) return;
  control_ += wire::encode_frame(type, payload, flags);
  if (control_.size() > longest_control_queue) return end();
  flush();
}

FrameBatch& ExecLink::batch() {
  if (!batch_) batch_ = pool_->take();
  return *batch_;
}

void ExecLink::flush() {
  if (is_over_) return;
  if (batch_) {
    batch_->sent(send_now(batch_->unsent()));
    if (is_over_) return;
    if (batch_->is_empty()) pool_->give_back(std::move(batch_));
  }
  if (!batch_) {
    control_.erase(0, send_now(control_));
    if (is_over_) return;
    if (control_.empty()) std::string().swap(control_);
  }
  watch();
  if (!is_finishing_ || !is_clear()) return;
  is_all_sent_ = true;
  ::shutdown(socket_.get(), SHUT_WR);
  timer_.arm(time_to_close);
}

std::size_t ExecLink::send_now(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (!is_worth_retrying(errno)) end();
  return 0;
}

void ExecLink::finish() {
  if (std::exchange(is_finishing_, true)) return;
  flush();
}

void ExecLink::watch() { watcher_.watch({.readable = true, .writable = batch_ || !control_.empty()}); }

void ExecLink::close() {
  is_over_ = true;
  timer_.disarm();
  watcher_ = {};
  socket_.reset();
}

void ExecLink::end() {
  if (is_over_) return;
  close();
  callbacks_.on_over();
}

}  // namespace kestrel::control
