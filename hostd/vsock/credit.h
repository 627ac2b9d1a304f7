// Flow control of one connection, in both directions (virtio 1.1, section 5.10.6.3).
//
// Each side tells in every packet how large its receive buffer is and how many bytes have left it since the
// beginning. All counters are modulo 2^32 and only their differences mean anything. The guest's figures may
// be nonsense: then it gets nothing, which is its own loss.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hostd/vsock/packet.h"

namespace kestrel::hostd::vsock {

/// What may be sent to the guest.
class GuestWindow {
 public:
  void update(const PacketHeader& from_guest) {
    size_ = from_guest.buffer_size;
    forwarded_ = from_guest.forwarded_bytes;
  }
  void use(std::uint32_t count) { sent_ += count; }

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t free() const {
    const std::uint32_t in_flight = sent_ - forwarded_;
    return in_flight < size_ ? size_ - in_flight : 0;
  }

 private:
  std::uint32_t size_ = 0;
  std::uint32_t forwarded_ = 0;
  std::uint32_t sent_ = 0;
};

/// What the guest may send to us.
class HostWindow {
 public:
  explicit HostWindow(std::uint32_t size) : size_(size) {}

  /// False if the guest sent more than it was allowed to.
  [[nodiscard]] bool receive(std::uint32_t count) {
    if (count > size_ - std::min(size_, received_ - forwarded_)) return false;
    received_ += count;
    return true;
  }
  /// `count` bytes have reached the host's descriptor, or have been thrown away.
  void forward(std::uint32_t count) { forwarded_ += count; }

  /// Whether the guest should be told now what it may send, lest it waits for room that there is. Half a
  /// window saves packets and still leaves the guest something to send meanwhile. Linux guests let no more be
  /// under way than their own receive buffer holds, whatever we have room for ("vsock/virtio: cap TX credit
  /// to local buffer size", in Debian's 6.1), so half of the smaller one it is.
  [[nodiscard]] bool is_worth_telling(std::uint32_t guest_buffer) const {
    const std::uint32_t news = forwarded_ - told_;
    return news > 0 && news >= std::min(size_, guest_buffer) / 2;
  }
  void stamp(PacketHeader& to_guest) {
    to_guest.buffer_size = size_;
    to_guest.forwarded_bytes = forwarded_;
    told_ = forwarded_;
  }

 private:
  std::uint32_t size_;
  std::uint32_t received_ = 0;
  std::uint32_t forwarded_ = 0;
  std::uint32_t told_ = 0;
};

/// The receive window of a new connection where `open_connections` exist already. A guest can make the host
/// hold a whole window for each, so with more connections windows shrink: 1,024 hold 100 MiB at most. 64 KiB
/// is the least that lets a Linux guest send its largest packets; 1 MiB is as much as kestrel gives its own
/// connections, which so go on sending while the runner waits for its turn.
[[nodiscard]] inline std::uint32_t receive_window(std::size_t open_connections) {
  if (open_connections < 16) return 1024 * 1024;
  return open_connections < 128 ? 256 * 1024 : 64 * 1024;
}

}  // namespace kestrel::hostd::vsock
