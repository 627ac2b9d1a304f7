#include "kestrel/config/screening.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel::config {
namespace {

// Quotes and comments are not told apart here, so this is far beyond what nesting allows.
constexpr int max_open_brackets = 1000;

bool is_control(unsigned char c) { return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f; }

/// Bytes of the UTF-8 character at the start of `text`, which is not ASCII; 0 if it is malformed (RFC 3629:
/// no overlong forms, no surrogates, nothing beyond U+10FFFF).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
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

Problem problem_at(std::string_view text, std::size_t offset, std::string message) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t last_break = before.rfind('\n');
  const std::size_t column = offset - (last_break == std::string_view::npos ? 0 : last_break + 1) + 1;
  return {static_cast<int>(line), static_cast<int>(column), std::move(message)};
}

}  // namespace

std::optional<Problem> screen(std::string_view text) {
  if (text.size() > max_text_bytes)
    return Problem{0, 0, concat("larger than ", format_bytes(Bytes{max_text_bytes}))};
  int open_brackets = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      const std::size_t length = character_length(text.substr(i));
      if (length == 0) return problem_at(text, i, "not UTF-8");
      i += length;
      continue;
    }
    if (is_control(c))
      return problem_at(text, i, concat("control character ", unsigned{c}, " is not allowed"));
    if (c == '[' || c == '{') ++open_brackets;
    if (c == ']' || c == '}') --open_brackets;
    if (open_brackets > max_open_brackets) return problem_at(text, i, "too many open brackets");
    ++i;
  }
  return std::nullopt;
}

bool is_quote_closed(std::string_view text, std::size_t start) {
  const char quote = text[start];
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    if (text[i] == quote && quote == '\'' && i + 1 < text.size() && text[i + 1] == quote) {
      ++i;  // '' stands for one quote
    } else if (text[i] == quote) {
      return true;
    } else if (text[i] == '\\' && quote == '"') {
      ++i;
    }
  }
  return false;
}

}  // namespace kestrel::config
