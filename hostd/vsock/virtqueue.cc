#include "hostd/vsock/virtqueue.h"

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>

#include "kestrel/base/text.h"

namespace kestrel::hostd::vsock {

// Rings of legacy devices are in the guest's byte order, those of modern ones little-endian: the same thing
// here.
static_assert(std::endian::native == std::endian::little);

namespace {

// Flags of the available and the used ring (sections 2.6.6 and 2.6.8).
constexpr std::uint16_t no_interrupt = 1;
constexpr std::uint16_t no_notify = 1;

constexpr std::size_t ring_header_size = 4;  // u16 flags, u16 index
constexpr std::size_t index_offset = 2;
constexpr std::size_t used_element_size = 8;  // u32 head, u32 written

std::atomic_ref<std::uint16_t> shared_word(std::byte* at) {
  return std::atomic_ref<std::uint16_t>(*reinterpret_cast<std::uint16_t*>(at));
}

/// Copies out of memory that the guest may be changing. The fence keeps the compiler from reading the
/// original again where the copy is meant.
template <typename T>
T copy_once(const std::byte* from) {
  T copy;
  std::memcpy(&copy, from, sizeof copy);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return copy;
}

bool is_aligned(const std::byte* place, std::uintptr_t alignment) {
  return reinterpret_cast<std::uintptr_t>(place) % alignment == 0;
}

}  // namespace

Result<Virtqueue> Virtqueue::create(const GuestMemory& memory, const QueueAddresses& addresses,
                                    std::uint32_t size, std::uint16_t next, QueueFeatures features) {
  if (size > max_size || !std::has_single_bit(size)) {
    return Error{concat("cannot set up a virtqueue: its size is ", size), EINVAL};
  }
  // Two bytes behind each ring hold the other side's event index.
  const auto descriptors =
      memory.at_user_address(addresses.descriptors, std::uint64_t{size} * sizeof(Descriptor));
  const auto available = memory.at_user_address(addresses.available, ring_header_size + 2ULL * size + 2);
  const auto used = memory.at_user_address(addresses.used, ring_header_size + used_element_size * size + 2);
  if (!descriptors || !available || !used) {
    return Error{"cannot set up a virtqueue: it lies outside of the guest's memory", EFAULT};
  }
  // Of the places here, since a region may put an even address to an odd one.
  if (!is_aligned(*descriptors, 16) || !is_aligned(*available, 2) || !is_aligned(*used, 4)) {
    return Error{"cannot set up a virtqueue: its parts are not aligned", EINVAL};
  }
  Virtqueue queue;
  queue.memory_ = &memory;
  queue.descriptors_ = *descriptors;
  queue.available_ = *available;
  queue.used_ = *used;
  queue.size_ = size;
  queue.next_available_ = next;
  queue.used_index_ = shared_word(queue.used_ + index_offset).load(std::memory_order_relaxed);
  queue.interrupted_at_ = queue.used_index_;
  queue.features_ = features;
  return queue;
}

Virtqueue::Taken Virtqueue::take(Chain& chain) {
  if (!is_usable()) return Taken::nothing;
  const auto index = shared_word(available_ + index_offset).load(std::memory_order_acquire);
  const auto waiting = static_cast<std::uint16_t>(index - next_available_);
  if (waiting == 0) return Taken::nothing;
  if (waiting > size_) {
    reject(concat("the available index jumped to ", index, " from ", next_available_));
    return Taken::nothing;
  }
  const std::size_t slot = next_available_ & (size_ - 1);
  const auto head = shared_word(available_ + ring_header_size + 2 * slot).load(std::memory_order_relaxed);
  if (!collect(head, chain)) return Taken::nothing;
  ++next_available_;
  return Taken::chain;
}

bool Virtqueue::collect(std::uint16_t head, Chain& chain) {
  chain.head = head;
  chain.readable.clear();
  chain.writable.clear();
  return collect_table(descriptors_, size_, head, chain, false);
}

bool Virtqueue::collect_table(const std::byte* table, std::uint32_t entries, std::uint16_t first,
                              Chain& chain, bool is_nested) {
  std::uint16_t index = first;
  // A chain may not be longer than the queue (section 2.6.5.3.1), which also ends loops.
  for (std::uint32_t steps = 0; steps < size_; ++steps) {
    if (index >= entries) {
      reject(concat("descriptor ", index, " is outside of its table of ", entries));
      return false;
    }
    const auto descriptor = copy_once<Descriptor>(table + std::size_t{index} * sizeof(Descriptor));
    if ((descriptor.flags & Descriptor::is_indirect) != 0) {
      // It may follow ordinary descriptors, but is the last of its chain, and no table holds another one.
      if (is_nested || !features_.indirect || (descriptor.flags & Descriptor::has_next) != 0) {
        reject("an indirect descriptor where none may be");
        return false;
      }
      return collect_indirect(descriptor, chain);
    }
    if (!add_segment(descriptor, chain)) return false;
    if ((descriptor.flags & Descriptor::has_next) == 0) return true;
    index = descriptor.next;
  }
  reject("a descriptor chain is longer than its queue");
  return false;
}

bool Virtqueue::collect_indirect(const Descriptor& descriptor, Chain& chain) {
  const std::uint32_t entries = descriptor.length / sizeof(Descriptor);
  if (entries == 0 || descriptor.length % sizeof(Descriptor) != 0) {
    reject(concat("an indirect table of ", descriptor.length, " bytes"));
    return false;
  }
  const auto table = memory_->at_guest_address(descriptor.address, descriptor.length);
  if (!table) {
    reject("an indirect table outside of the guest's memory");
    return false;
  }
  return collect_table(*table, entries, 0, chain, true);
}

bool Virtqueue::add_segment(const Descriptor& descriptor, Chain& chain) {
  const auto start = memory_->at_guest_address(descriptor.address, descriptor.length);
  if (!start) {
    reject("a descriptor outside of the guest's memory");
    return false;
  }
  const bool is_writable = (descriptor.flags & Descriptor::is_writable) != 0;
  if (!is_writable && !chain.writable.empty()) {
    reject("a readable descriptor behind a writable one");
    return false;
  }
  (is_writable ? chain.writable : chain.readable).push_back({*start, descriptor.length});
  return true;
}

void Virtqueue::give_back(std::uint16_t head, std::uint32_t written) {
  if (!is_usable()) return;
  const std::uint32_t element[2] = {head, written};
  const std::size_t slot = used_index_ & (size_ - 1);
  std::memcpy(used_ + ring_header_size + used_element_size * slot, element, sizeof element);
  ++used_index_;
  shared_word(used_ + index_offset).store(used_index_, std::memory_order_release);
}

bool Virtqueue::interrupt_wanted() {
  if (!is_usable()) return false;
  const std::uint16_t before = interrupted_at_;
  interrupted_at_ = used_index_;
  if (before == used_index_) return false;
  // The used index must be visible before the driver's wish is read: it publishes the wish and then looks at
  // the index.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!features_.event_index) {
    return (shared_word(available_).load(std::memory_order_relaxed) & no_interrupt) == 0;
  }
  const auto wished =
      shared_word(available_ + ring_header_size + 2ULL * size_).load(std::memory_order_relaxed);
  // Whether `wished` lies in [before, used_index_), modulo 2^16 (section 2.6.7.2).
  return static_cast<std::uint16_t>(used_index_ - wished - 1) <
         static_cast<std::uint16_t>(used_index_ - before);
}

bool Virtqueue::want_kicks() {
  if (!is_usable()) return false;
  if (features_.event_index) {
    shared_word(used_ + ring_header_size + used_element_size * size_)
        .store(next_available_, std::memory_order_relaxed);
  } else {
    shared_word(used_).store(0, std::memory_order_relaxed);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return shared_word(available_ + index_offset).load(std::memory_order_acquire) != next_available_;
}

void Virtqueue::refuse_kicks() {
  // With event indices a wish that is not renewed has no effect but one kick each 65,536 chains.
  if (is_usable() && !features_.event_index) shared_word(used_).store(no_notify, std::memory_order_relaxed);
}

}  // namespace kestrel::hostd::vsock
