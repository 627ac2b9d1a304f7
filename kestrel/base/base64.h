// Base64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kestrel {

/// White space between the characters is passed over. nullopt: it is no base64.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace kestrel
