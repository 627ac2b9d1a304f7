// An input that comes as connections bring it: in pieces, of which its first byte says how long they are.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

namespace kestrel::fuzz {

using Input = std::span<const std::uint8_t>;

/// What an input must never make of the code under test.
inline void never(bool is_so) {
  if (is_so) std::abort();
}

struct Pieces {
  std::string_view rest;
  std::size_t longest;

  explicit Pieces(Input input)
      : rest(reinterpret_cast<const char*>(input.data()), input.size()),
        longest(input.empty() || input.front() == 0 ? input.size() : input.front()) {
    if (!rest.empty()) rest.remove_prefix(1);
  }
  [[nodiscard]] std::string_view next() {
    const auto piece = rest.substr(0, longest);
    rest.remove_prefix(piece.size());
    return piece;
  }
};

}  // namespace kestrel::fuzz
