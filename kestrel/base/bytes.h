// Bytes: an amount of memory or data, never a bare integer in an interface.
#pragma once

#include <compare>
#include <cstdint>

namespace kestrel {

struct Bytes {
  std::uint64_t count = 0;
  friend constexpr auto operator<=>(Bytes, Bytes) = default;
};

[[nodiscard]] constexpr Bytes kibibytes(std::uint64_t n) { return {n << 10}; }
[[nodiscard]] constexpr Bytes mebibytes(std::uint64_t n) { return {n << 20}; }

}  // namespace kestrel
