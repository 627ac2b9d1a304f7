// The guest's memory, mapped here, and the two kinds of addresses that point into it.
//
// The guest's own descriptors hold guest-physical addresses; the front-end (QEMU) names the rings by its own
// virtual addresses. Both come from strangers: a range is good only if it lies wholly inside one region, and
// nothing here can overflow. What an address leads to may change at any time under our hands, for the guest
// runs meanwhile: readers copy once and judge the copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock {

/// One entry of SET_MEM_TABLE (vhost-user specification, "Memory regions description").
struct MemoryRegion {
  std::uint64_t guest_address = 0;
  std::uint64_t size = 0;
  std::uint64_t user_address = 0;  ///< where the front-end has mapped it in its own process
  std::uint64_t file_offset = 0;
};

class GuestMemory {
 public:
  GuestMemory() = default;
  /// Maps `regions[i]` of `files[i]`, which can be closed afterwards. The front-end is trusted not to
  /// truncate the files later (that would be a SIGBUS); that they are long enough now is checked.
  [[nodiscard]] static Result<GuestMemory> map(std::span<const MemoryRegion> regions,
                                               std::span<const sys::UniqueFd> files);

  /// nullopt if any of the bytes is not the guest's. `length` 0 is nothing anybody may ask for: nullopt.
  [[nodiscard]] std::optional<std::byte*> at_guest_address(std::uint64_t address, std::uint64_t length) const;
  [[nodiscard]] std::optional<std::byte*> at_user_address(std::uint64_t address, std::uint64_t length) const;

 private:
  /// A mapping that ends with its owner.
  class Mapping {
   public:
    Mapping(void* start, std::size_t length) : start_(start), length_(length) {}
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();
    [[nodiscard]] std::byte* start() const { return static_cast<std::byte*>(start_); }

   private:
    void* start_;
    std::size_t length_;
  };
  struct MappedRegion {
    MemoryRegion region;
    Mapping mapping;  ///< of the file from its beginning to the region's end
  };

  [[nodiscard]] static Result<Mapping> map_region(const MemoryRegion& region, int file);

  std::vector<MappedRegion> regions_;
};

}  // namespace kestrel::hostd::vsock
