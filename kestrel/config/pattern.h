// Whether a pattern can be compiled; the one place in this layer that knows the regular expression library.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kestrel::config {

/// Why `pattern` is not a valid RE2 pattern (https://github.com/google/re2/wiki/Syntax); nullopt if it is.
[[nodiscard]] std::optional<std::string> pattern_error(std::string_view pattern);

}  // namespace kestrel::config
