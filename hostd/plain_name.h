// Names that may stand anywhere: as a file's, in an option, in a path.
#pragma once

#include <string_view>

namespace kestrel::hostd {

/// ASCII letters, digits, `-`, `_` and `.`, with a letter, a digit or `_` first; not empty.
[[nodiscard]] bool is_plain_name(std::string_view name, std::size_t longest);

}  // namespace kestrel::hostd
