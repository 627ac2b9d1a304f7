#include "hostd/vsock/guest_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace kestrel::hostd::vsock {

namespace {

bool contains(std::uint64_t start, std::uint64_t size, std::uint64_t address, std::uint64_t length) {
  if (length == 0 || address < start) return false;
  const std::uint64_t offset = address - start;
  return offset < size && length <= size - offset;
}

bool overflows(std::uint64_t start, std::uint64_t size) { return start + size < start; }

}  // namespace

GuestMemory::Mapping::Mapping(Mapping&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)), length_(other.length_) {}

GuestMemory::Mapping& GuestMemory::Mapping::operator=(Mapping&& other) noexcept {
  std::swap(start_, other.start_);
  std::swap(length_, other.length_);
  return *this;
}

GuestMemory::Mapping::~Mapping() {
  if (start_ != nullptr) ::munmap(start_, length_);
}

Result<GuestMemory::Mapping> GuestMemory::map_region(const MemoryRegion& region, int file) {
  constexpr std::string_view what = "cannot map the guest's memory";
  if (region.size == 0 || overflows(region.guest_address, region.size) ||
      overflows(region.user_address, region.size) || overflows(region.file_offset, region.size)) {
    return errno_error(what, EINVAL);
  }
  struct stat status {};
  if (::fstat(file, &status) != 0) return errno_error(what, errno);
  const std::uint64_t end = region.file_offset + region.size;
  if (status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) < end) {
    return Error{"cannot map the guest's memory: the region is longer than its file", EINVAL};
  }
  // From the file's beginning: an offset need not be a multiple of the file's page size (huge pages).
  void* start = ::mmap(nullptr, end, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (start == MAP_FAILED) return errno_error(what, errno);
  return Mapping(start, end);
}

Result<GuestMemory> GuestMemory::map(std::span<const MemoryRegion> regions,
                                     std::span<const sys::UniqueFd> files) {
  if (regions.size() != files.size()) {
    return Error{"cannot map the guest's memory: not one descriptor for each region", EINVAL};
  }
  GuestMemory memory;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    auto mapping = map_region(regions[i], files[i].get());
    if (!mapping) return mapping.error();
    memory.regions_.push_back({regions[i], std::move(*mapping)});
  }
  return memory;
}

std::optional<std::byte*> GuestMemory::at_guest_address(std::uint64_t address, std::uint64_t length) const {
  for (const auto& [region, mapping] : regions_) {
    if (!contains(region.guest_address, region.size, address, length)) continue;
    return mapping.start() + region.file_offset + (address - region.guest_address);
  }
  return std::nullopt;
}

std::optional<std::byte*> GuestMemory::at_user_address(std::uint64_t address, std::uint64_t length) const {
  for (const auto& [region, mapping] : regions_) {
    if (!contains(region.user_address, region.size, address, length)) continue;
    return mapping.start() + region.file_offset + (address - region.user_address);
  }
  return std::nullopt;
}

}  // namespace kestrel::hostd::vsock
