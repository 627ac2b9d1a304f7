// Text in UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace kestrel {

/// Bytes of the character at the start of `text`; 0 if it is malformed (RFC 3629: no overlong forms, no
/// surrogates, nothing beyond U+10FFFF), or if there is none.
[[nodiscard]] std::size_t utf8_character_length(std::string_view text);

}  // namespace kestrel
