// What the front-end (QEMU) has set up so far: features, the guest's memory, the two rings and their event
// descriptors.
//
// The session takes whole messages and says what to answer; it reads no socket and processes no ring.
// QEMU 7.2 hands only the rx and the tx ring to a vsock device; the event ring stays with QEMU.
//
// A ring runs from SET_VRING_KICK to GET_VRING_BASE. The latter means a pause of the VM or a reset of the
// guest, which look the same; they differ only afterwards: a guest that starts anew has rings that start at 0
// (restarted_guest).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hostd/vsock/guest_memory.h"
#include "hostd/vsock/vhost_user.h"
#include "hostd/vsock/virtqueue.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock {

struct Message {
  MessageHeader header;
  std::vector<std::byte> payload;
  std::vector<sys::UniqueFd> files;
};

/// One ring with everything that belongs to it.
struct Vring {
  Virtqueue queue;
  sys::UniqueFd kick;  ///< an eventfd the guest's kicks arrive on
  sys::UniqueFd call;  ///< an eventfd that interrupts the guest
  std::uint32_t size = 0;
  std::uint16_t base = 0;
  std::optional<QueueAddresses> addresses;
  bool is_enabled = false;
  bool is_started = false;

  [[nodiscard]] bool is_running() const { return is_started && is_enabled && queue.is_usable(); }
};

class VhostSession {
 public:
  enum RingIndex : std::uint32_t { rx = 0, tx = 1, ring_count = 2 };  ///< rx: what the guest receives

  explicit VhostSession(std::uint64_t cid) : cid_(cid) {}

  struct Outcome {
    std::string reply;               ///< to be sent; may be empty
    std::optional<Error> complaint;  ///< the message made no sense and changed nothing, or broke a ring
    bool rings_changed = false;      ///< descriptors or the state of a ring
    bool restarted_guest = false;    ///< none of the guest's connections exists any more
    sys::UniqueFd retired_kick;      ///< replaced or stopped: to be closed once nobody watches it
  };
  [[nodiscard]] Outcome handle(Message message);

  [[nodiscard]] Vring& ring(RingIndex index) { return rings_[index]; }
  [[nodiscard]] const Vring& ring(RingIndex index) const { return rings_[index]; }
  [[nodiscard]] bool is_driver_up() const { return rings_[rx].is_running() && rings_[tx].is_running(); }

 private:
  /// Does what the message asks. An answer of its own goes to outcome.reply.
  Result<void> dispatch(Message& message, Outcome& outcome);
  Result<void> set_features(const Message& message);
  Result<void> set_memory(Message& message, Outcome& outcome);
  Result<void> set_ring_size(const Message& message);
  Result<void> set_ring_base(const Message& message);
  Result<void> set_ring_addresses(const Message& message, Outcome& outcome);
  Result<void> set_ring_file(Message& message, Outcome& outcome);
  Result<void> enable_ring(const Message& message, Outcome& outcome);
  Result<void> stop_ring(const Message& message, Outcome& outcome);
  Result<void> read_config(const Message& message, Outcome& outcome) const;

  Result<Vring*> ring_at(std::uint32_t index);
  Result<void> set_up_queue(Vring& ring, std::uint16_t next);

  std::uint64_t cid_;
  std::uint64_t features_ = 0;
  /// On the heap because the queues point to it.
  std::unique_ptr<GuestMemory> memory_ = std::make_unique<GuestMemory>();
  std::array<Vring, ring_count> rings_;
};

}  // namespace kestrel::hostd::vsock
