// A guest's memory, as QEMU would share it: a memfd, seen at guest-physical addresses from 0 on, and by the
// "front-end" at user_base.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "hostd/vsock/guest_memory.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock::test {

class GuestRam {
 public:
  static constexpr std::uint64_t user_base = 0x7f0000000000;

  explicit GuestRam(std::uint64_t size = 16 << 20)
      : size_(size), file_(::memfd_create("guest", MFD_CLOEXEC)) {
    if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) std::abort();
    start_ =
        static_cast<std::byte*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0));
  }
  ~GuestRam() { ::munmap(start_, size_); }
  GuestRam(const GuestRam&) = delete;
  GuestRam& operator=(const GuestRam&) = delete;

  [[nodiscard]] int file() const { return file_.get(); }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] MemoryRegion region() const { return {0, size_, user_base, 0}; }
  [[nodiscard]] std::byte* at(std::uint64_t address) const { return start_ + address; }

  template <typename T>
  [[nodiscard]] T read(std::uint64_t address) const {
    T value;
    std::memcpy(&value, at(address), sizeof value);
    return value;
  }
  template <typename T>
  void write(std::uint64_t address, const T& value) {
    std::memcpy(at(address), &value, sizeof value);
  }
  [[nodiscard]] std::string text(std::uint64_t address, std::size_t length) const {
    return {reinterpret_cast<const char*>(at(address)), length};
  }
  void write_text(std::uint64_t address, std::string_view text) {
    text.copy(reinterpret_cast<char*>(at(address)), text.size());
  }
  void clear(std::uint64_t address, std::size_t length) { std::memset(at(address), 0, length); }

  /// A descriptor of its own, as SET_MEM_TABLE would bring one.
  [[nodiscard]] sys::UniqueFd share() const { return sys::UniqueFd(::dup(file_.get())); }

  /// All of it, mapped as the device does.
  [[nodiscard]] GuestMemory map() const {
    const MemoryRegion whole = region();
    const sys::UniqueFd file = share();
    return std::move(*GuestMemory::map({&whole, 1}, {&file, 1}));
  }

 private:
  std::uint64_t size_;
  sys::UniqueFd file_;
  std::byte* start_ = nullptr;
};

}  // namespace kestrel::hostd::vsock::test
