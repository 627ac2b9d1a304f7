// What is refused before the YAML library sees it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "kestrel/config/problem.h"

namespace kestrel::config {

inline constexpr std::size_t max_text_bytes = 1 << 20;

/// The first reason not to read `text` at all:
/// - it is larger than max_text_bytes;
/// - it is not UTF-8, or has control characters that YAML does not allow (YAML 1.2.2, 5.1: all but tab, line
/// feed and
///   carriage return). yaml-cpp would read past the former and take U+0004 for the end of the text;
/// - it opens far more brackets than it closes: yaml-cpp keeps hundreds of bytes for each before it reports
/// the first.
[[nodiscard]] std::optional<Problem> screen(std::string_view text);

/// Whether the quoted text whose first quote is at `start` ends. yaml-cpp takes the end of the text for its
/// end.
[[nodiscard]] bool is_quote_closed(std::string_view text, std::size_t start);

}  // namespace kestrel::config
