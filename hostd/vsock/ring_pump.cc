#include "hostd/vsock/ring_pump.h"

#include <unistd.h>

#include <cstdint>

namespace kestrel::hostd::vsock {

namespace {

/// What the guest may wait to hear that packets were taken: until then their memory is not free again.
constexpr Duration longest_wait = milliseconds(1);
/// How much of its ring may be waiting for that.
constexpr std::uint32_t largest_part = 8;

}  // namespace

bool RingPump::run() {
  if (is_running_ || !session_.is_driver_up()) return false;
  is_running_ = true;
  const std::size_t taken = take_from_guest(packets_per_turn);
  const std::size_t given = give_to_guest(packets_per_turn);
  interrupt(session_.ring(VhostSession::rx));
  announce_taken_in_time();
  is_running_ = false;
  const bool can_go_on = is_held_up_ && muxer_.can_take_packet();
  return taken == packets_per_turn || given == packets_per_turn || can_go_on;
}

void RingPump::announce_taken_in_time() {
  const Vring& ring = session_.ring(VhostSession::tx);
  const std::uint32_t waiting = ring.queue.unannounced();
  if (waiting == 0) return;
  if (waiting >= ring.size / largest_part) return announce_taken();
  if (!patience_.is_armed()) patience_.arm(longest_wait);
}

void RingPump::announce_taken() { interrupt(session_.ring(VhostSession::tx)); }

std::size_t RingPump::take_from_guest(std::size_t limit) {
  Virtqueue& queue = session_.ring(VhostSession::tx).queue;
  queue.refuse_kicks();
  std::size_t count = 0;
  while (count < limit) {
    is_held_up_ = !muxer_.can_take_packet();
    if (is_held_up_) return count;
    if (queue.take(chain_) == Virtqueue::Taken::nothing) {
      if (queue.want_kicks()) continue;
      return count;
    }
    muxer_.take(chain_.readable);
    queue.give_back(chain_.head, 0);
    ++count;
  }
  return count;
}

std::size_t RingPump::give_to_guest(std::size_t limit) {
  Virtqueue& queue = session_.ring(VhostSession::rx).queue;
  std::size_t count = 0;
  while (count < limit && muxer_.has_outgoing()) {
    if (queue.take(chain_) == Virtqueue::Taken::nothing) {
      if (queue.want_kicks()) continue;
      return count;
    }
    if (total_size(chain_.writable) <= packet_header_size) {
      queue.reject("a receive buffer without room for a packet");
      return count;
    }
    if (const auto written = muxer_.fill(chain_.writable)) {
      queue.give_back(chain_.head, *written);
      ++count;
    } else {
      queue.put_back();
    }
  }
  queue.refuse_kicks();
  return count;
}

void RingPump::interrupt(Vring& ring) {
  if (!ring.call.is_open() || !ring.queue.interrupt_wanted()) return;
  const std::uint64_t one = 1;
  // An eventfd's counter that is full has interrupted already.
  [[maybe_unused]] const ssize_t ignored = ::write(ring.call.get(), &one, sizeof one);
}

}  // namespace kestrel::hostd::vsock
