#include "kestrel/base/base64.h"

#include <cstddef>
#include <cstdint>

namespace kestrel {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view white_space = " \t\r\n";

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  std::size_t digits = 0, padding = 0;
  for (const char c : text) {
    if (white_space.find(c) != std::string_view::npos) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    // Each digit after the first of four completes a byte.
    if (++digits % 4 == 1) continue;
    const std::size_t rest = (4 - digits % 4) % 4 * 2;  // bits that belong to the next byte
    out.push_back(static_cast<char>(bits >> rest & 0xff));
  }
  const bool is_whole = (digits + padding) % 4 == 0 && padding <= 2;
  return is_whole ? std::optional(out) : std::nullopt;
}

}  // namespace kestrel
