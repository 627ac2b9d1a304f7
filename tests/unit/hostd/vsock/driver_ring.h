// The driver's side of a split virtqueue in a GuestRam, as raw as a test needs it: everything can be written
// wrongly.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hostd/vsock/virtqueue.h"
#include "tests/unit/hostd/vsock/guest_ram.h"

namespace kestrel::hostd::vsock::test {

class DriverRing {
 public:
  /// The parts lie from `base` on: 64 KiB are enough for 1,024 descriptors.
  DriverRing(GuestRam& ram, std::uint64_t base, std::uint32_t size)
      : ram_(&ram), descriptors_(base), available_(base + 16ULL * size), size_(size) {
    used_ = (available_ + 4 + 2ULL * size + 2 + 3) & ~3ULL;
  }

  struct Used {
    std::uint32_t head = 0;
    std::uint32_t written = 0;
  };

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] QueueAddresses addresses() const {
    return {GuestRam::user_base + descriptors_, GuestRam::user_base + available_,
            GuestRam::user_base + used_};
  }

  /// As a guest does that has just booted.
  void clear() {
    ram_->clear(descriptors_, used_ + 4 + 8ULL * size_ + 2 - descriptors_);
    next_available_ = next_used_ = 0;
  }

  void set_descriptor(std::uint16_t index, const Descriptor& descriptor) {
    ram_->write(descriptors_ + 16ULL * index, descriptor);
  }
  void make_available(std::uint16_t head) {
    ram_->write(available_ + 4 + 2ULL * (next_available_ % size_), head);
    set_available_index(static_cast<std::uint16_t>(next_available_ + 1));
  }
  /// One descriptor that is a chain of its own.
  void offer(std::uint16_t index, const Descriptor& descriptor) {
    set_descriptor(index, descriptor);
    make_available(index);
  }
  /// Several descriptors, chained in the order given, from `first` on.
  void offer_chain(std::uint16_t first, std::vector<Descriptor> chain) {
    for (std::size_t i = 0; i < chain.size(); ++i) {
      const auto index = static_cast<std::uint16_t>(first + i);
      if (i + 1 < chain.size()) {
        chain[i].flags |= Descriptor::has_next;
        chain[i].next = static_cast<std::uint16_t>(index + 1);
      }
      set_descriptor(index, chain[i]);
    }
    make_available(first);
  }
  void set_available_index(std::uint16_t index) {
    next_available_ = index;
    ram_->write(available_ + 2, index);
  }
  [[nodiscard]] std::uint16_t available_index() const { return next_available_; }

  std::optional<Used> next_used() {
    if (used_index() == next_used_) return std::nullopt;
    return ram_->read<Used>(used_ + 4 + 8ULL * (next_used_++ % size_));
  }
  [[nodiscard]] std::uint16_t used_index() const { return ram_->read<std::uint16_t>(used_ + 2); }
  void set_used_index(std::uint16_t index) {
    next_used_ = index;
    ram_->write(used_ + 2, index);
  }
  void forget_used() { next_used_ = used_index(); }

  // Notification wishes.
  void set_interrupt_flag(std::uint16_t flags) { ram_->write(available_, flags); }
  void set_interrupt_event(std::uint16_t index) { ram_->write(available_ + 4 + 2ULL * size_, index); }
  [[nodiscard]] std::uint16_t kick_flag() const { return ram_->read<std::uint16_t>(used_); }
  [[nodiscard]] std::uint16_t kick_event() const {
    return ram_->read<std::uint16_t>(used_ + 4 + 8ULL * size_);
  }

 private:
  GuestRam* ram_;
  std::uint64_t descriptors_;
  std::uint64_t available_;
  std::uint64_t used_ = 0;
  std::uint32_t size_;
  std::uint16_t next_available_ = 0;
  std::uint16_t next_used_ = 0;
};

}  // namespace kestrel::hostd::vsock::test
