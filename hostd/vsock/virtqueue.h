// A split virtqueue (virtio 1.1, section 2.6), the device's side of it.
//
// The driver (the guest) puts descriptor chains into the available ring; the device takes them in order, uses
// the memory they point to, and gives them back through the used ring. All three parts lie in guest memory
// and can be written by the guest at any moment, so each index and descriptor is copied once and the copy is
// judged. A guest that breaks the rules gets its queue marked broken: nothing is taken from it again until
// the front-end sets the queue up anew. That harms only the guest itself.
//
// Notifications: the guest is interrupted only if it asked to be (interrupt_wanted), and it kicks only while
// the device asks it to (want_kicks). Both with the event indices if VIRTIO_F_EVENT_IDX was negotiated, else
// with the flags.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hostd/vsock/guest_memory.h"
#include "hostd/vsock/scatter.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd::vsock {

/// A descriptor as it lies in memory (section 2.6.5).
struct Descriptor {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
  std::uint16_t flags = 0;
  std::uint16_t next = 0;

  static constexpr std::uint16_t has_next = 1;
  static constexpr std::uint16_t is_writable = 2;
  static constexpr std::uint16_t is_indirect = 4;
};
static_assert(sizeof(Descriptor) == 16);

/// A chain the device has taken; its memory is the device's until it is given back.
struct Chain {
  std::uint16_t head = 0;
  std::vector<iovec> readable;  ///< for the device
  std::vector<iovec> writable;
};

/// Where the parts of a queue are, in the front-end's virtual addresses.
struct QueueAddresses {
  std::uint64_t descriptors = 0;
  std::uint64_t available = 0;
  std::uint64_t used = 0;
};

struct QueueFeatures {
  bool indirect = false;
  bool event_index = false;
};

class Virtqueue {
 public:
  static constexpr std::uint32_t max_size = 32768;  ///< section 2.6: and a power of two

  /// Not set up: nothing can be taken.
  Virtqueue() = default;
  /// `memory` must outlive the queue. `next` is the index of the available ring where the device goes on.
  [[nodiscard]] static Result<Virtqueue> create(const GuestMemory& memory, const QueueAddresses& addresses,
                                                std::uint32_t size, std::uint16_t next,
                                                QueueFeatures features);

  [[nodiscard]] bool is_set_up() const { return descriptors_ != nullptr; }
  [[nodiscard]] bool is_usable() const { return is_set_up() && fault_.empty(); }
  /// Why the queue is broken; empty if it is not.
  [[nodiscard]] const std::string& fault() const { return fault_; }
  /// The available index the next chain comes from; what the front-end saves while the guest is paused.
  [[nodiscard]] std::uint16_t next_available() const { return next_available_; }
  [[nodiscard]] std::uint16_t used_index() const { return used_index_; }

  enum class Taken { chain, nothing };
  /// `chain` is re-used storage. Nothing: the ring is empty, not set up, or broken.
  Taken take(Chain& chain);
  /// Un-takes the chain taken last, of which nothing was used.
  void put_back() { --next_available_; }
  /// `written`: how many bytes of its writable part the device filled.
  void give_back(std::uint16_t head, std::uint32_t written);

  /// Marks the queue broken because of what a chain holds.
  void reject(std::string why) { fault_ = std::move(why); }

  /// Whether the guest wants an interrupt for what was given back since the last call.
  [[nodiscard]] bool interrupt_wanted();
  /// How many chains were given back since then.
  [[nodiscard]] std::uint16_t unannounced() const {
    return static_cast<std::uint16_t>(used_index_ - interrupted_at_);
  }

  /// Asks the guest to kick for the next chain it makes available. True if one came meanwhile, for which no
  /// kick may come.
  [[nodiscard]] bool want_kicks();
  void refuse_kicks();

 private:
  bool collect(std::uint16_t head, Chain& chain);
  bool collect_table(const std::byte* table, std::uint32_t entries, std::uint16_t first, Chain& chain,
                     bool is_nested);
  bool collect_indirect(const Descriptor& descriptor, Chain& chain);
  bool add_segment(const Descriptor& descriptor, Chain& chain);

  const GuestMemory* memory_ = nullptr;
  const std::byte* descriptors_ = nullptr;
  std::byte* available_ = nullptr;
  std::byte* used_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint16_t next_available_ = 0;
  std::uint16_t used_index_ = 0;
  std::uint16_t interrupted_at_ = 0;  ///< used_index_ when interrupt_wanted() was last asked
  QueueFeatures features_;
  std::string fault_;
};

}  // namespace kestrel::hostd::vsock
