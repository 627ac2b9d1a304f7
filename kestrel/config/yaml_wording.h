// The YAML library's complaints in words that say what to look for.
#pragma once

#include <string>
#include <string_view>

namespace kestrel::config {

/// `complaint` is yaml-cpp's text (its namespace ErrorMsg), `line` the line of `text` it is about, counted
/// from 1.
[[nodiscard]] std::string syntax_message(std::string_view complaint, std::string_view text, int line);

}  // namespace kestrel::config
