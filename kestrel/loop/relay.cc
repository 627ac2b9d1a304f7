#include "kestrel/loop/relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kestrel/sys/socket.h"

namespace kestrel::loop {

namespace {

/// Pieces carried in one go, so that one busy tunnel does not keep the loop from everything else.
constexpr int pieces_per_turn = 8;

bool is_worth_retrying(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

Relay::Relay(Loop& loop, RelayBuffer& buffer, Side left, Side right, std::function<void(Relay&)> on_end)
    : buffer_(&buffer),
      left_(std::move(left.socket)),
      right_(std::move(right.socket)),
      rightward_{.from = left_.get(), .to = right_.get(), .rest = std::move(right.first_bytes)},
      leftward_{.from = right_.get(), .to = left_.get(), .rest = std::move(left.first_bytes)},
      on_end_(std::move(on_end)),
      left_watcher_(loop, left_.get(), [this](Interest ready) { handle(ready, rightward_, leftward_); }),
      right_watcher_(loop, right_.get(), [this](Interest ready) { handle(ready, leftward_, rightward_); }) {
  watch();
}

void Relay::handle(Interest ready, Flow& readable, Flow& writable) {
  if (ready.readable) carry(readable);
  if (ready.writable) carry(writable);
  watch();
  if (rightward_.is_over && leftward_.is_over && on_end_) std::exchange(on_end_, nullptr)(*this);
}

void Relay::carry(Flow& flow) {
  for (int piece = 0; piece < pieces_per_turn && !flow.is_over; ++piece) {
    if (!step(flow)) break;
  }
  if (std::exchange(flow.is_corked, false)) sys::uncork(flow.to);
}

/// False: not now.
bool Relay::step(Flow& flow) {
  if (!flow.rest.empty()) return drain(flow, std::exchange(flow.rest, {}));
  if (!flow.has_end) return fill(flow);
  ::shutdown(flow.to, SHUT_WR);
  flow.is_over = true;
  return true;
}

/// Reads a piece and passes it on; false: not now.
bool Relay::fill(Flow& flow) {
  const ssize_t count = ::read(flow.from, buffer_->data(), buffer_->size());
  if (count > 0) {
    // A read that leaves room has emptied the socket: another would find nothing.
    const bool is_whole = static_cast<std::size_t>(count) == buffer_->size();
    if (is_whole && !flow.is_corked && flow.can_cork) flow.can_cork = flow.is_corked = sys::cork(flow.to);
    return drain(flow, {buffer_->data(), static_cast<std::size_t>(count)}) && is_whole;
  }
  if (count < 0 && is_worth_retrying(errno)) return false;
  flow.has_end = true;
  // A broken connection carries nothing in the other direction either.
  if (count < 0) rightward_.is_over = leftward_.is_over = true;
  return true;
}

/// Writes what can be written and keeps the rest; false: the other side takes no more now.
bool Relay::drain(Flow& flow, std::string_view bytes) {
  const ssize_t count = ::send(flow.to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count < 0 && !is_worth_retrying(errno)) {
    // Nobody reads this any more; what the other side had to say may still be on its way.
    flow.is_over = true;
    return true;
  }
  const std::size_t written = count < 0 ? 0 : static_cast<std::size_t>(count);
  flow.rest = bytes.substr(written);
  return flow.rest.empty();
}

void Relay::watch() {
  const auto interest = [](const Flow& in, const Flow& out) {
    return Interest{.readable = !in.is_over && !in.has_end && in.rest.empty(),
                    .writable = !out.is_over && (out.has_end || !out.rest.empty())};
  };
  left_watcher_.watch(interest(rightward_, leftward_));
  right_watcher_.watch(interest(leftward_, rightward_));
}

}  // namespace kestrel::loop
