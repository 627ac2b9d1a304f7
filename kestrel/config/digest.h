// A short name for the exact text of a configuration, to tell whether a guest runs the one that was meant.
#pragma once

#include <string>
#include <string_view>

namespace kestrel::config {

/// FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/) as 16 hexadecimal digits. It tells texts
/// apart by accident, not against an attacker.
[[nodiscard]] std::string digest(std::string_view text);

}  // namespace kestrel::config
