#include "kestrel/base/utf8.h"

namespace kestrel {

std::size_t utf8_character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return text.empty() ? 0 : 1;
  const unsigned second = byte(1);
  if (lead >= 0xc2 && lead <= 0xdf && continues(1)) return 2;
  if (lead >= 0xe0 && lead <= 0xef && continues(1) && continues(2)) {
    const bool is_overlong = lead == 0xe0 && second < 0xa0;
    const bool is_surrogate = lead == 0xed && second >= 0xa0;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4 && continues(1) && continues(2) && continues(3)) {
    const bool is_overlong = lead == 0xf0 && second < 0x90;
    const bool is_beyond = lead == 0xf4 && second >= 0x90;
    return is_overlong || is_beyond ? 0 : 4;
  }
  return 0;
}

}  // namespace kestrel
