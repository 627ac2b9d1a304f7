#include "kestrel/config/screening.h"

#include <algorithm>

#include "kestrel/base/text.h"
#include "kestrel/base/utf8.h"

namespace kestrel::config {
namespace {

// Quotes and comments are not told apart here, so this is far beyond what nesting allows.
constexpr int max_open_brackets = 1000;

bool is_control(unsigned char c) { return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f; }

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
      const std::size_t length = utf8_character_length(text.substr(i));
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
