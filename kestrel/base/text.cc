#include "kestrel/base/text.h"

#include <algorithm>
#include <array>

namespace kestrel {
namespace {

constexpr std::string_view white_space = " \t\r\n\v\f";

// Longer words are not compared: the table of the edit distance stays small, and nobody mistypes that much
// text.
constexpr std::size_t longest_compared_word = 64;

/// Edit distance where swapped neighbours count as one (optimal string alignment). Both words fit the rows.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, longest_compared_word + 1>;
  Row before_last{};
  Row last{};
  Row current{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = current;
  }
  return last[b.size()];
}

unsigned byte_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

/// Bytes of the well-formed UTF-8 character that starts at `i`; 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const unsigned lead = byte_at(text, i);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                             : (lead >> 4) == 0xe           ? 3
                             : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                            : 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte_at(text, i + k) & 0xc0) != 0x80) return 0;
  }
  return length;
}

/// The end of the escape sequence that starts at `i` (ECMA-48): CSI up to its final byte, OSC and its like up
/// to BEL or ST, else ESC and one character.
std::size_t end_of_escape(std::string_view text, std::size_t i) {
  const unsigned kind = byte_at(text, i + 1);
  std::size_t at = i + 2;
  if (kind == '[') {
    while (byte_at(text, at) >= 0x20 && byte_at(text, at) <= 0x3f) ++at;
    return byte_at(text, at) >= 0x40 && byte_at(text, at) <= 0x7e ? at + 1 : at;
  }
  if (kind == ']' || kind == 'P' || kind == 'X' || kind == '^' || kind == '_') {
    while (at < text.size() && text[at] != '\a' && text[at] != '\x1b') ++at;
    if (byte_at(text, at) == '\a') return at + 1;
    return byte_at(text, at) == 0x1b && byte_at(text, at + 1) == '\\' ? at + 2 : at;
  }
  return kind >= 0x20 && kind <= 0x7e ? at : i + 1;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != parts.data()) out.append(separator);
    out.append(part);
  }
  return out;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return value;
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > longest_compared_word) return std::nullopt;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::optional<std::string_view> found;
  for (std::string_view candidate : candidates) {
    const std::size_t longer = std::max(word.size(), candidate.size());
    const std::size_t shorter = std::min(word.size(), candidate.size());
    if (longer > longest_compared_word || longer - shorter >= least) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least && distance < longer) {  // words that share no letter are not near, however short
      least = distance;
      found = candidate;
    }
  }
  return found;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const unsigned byte = byte_at(text, i);
    const std::size_t length = utf8_length(text, i);
    if (byte == 0x1b) {
      i = end_of_escape(text, i);
    } else if (length == 0) {
      out.append("\xef\xbf\xbd");  // U+FFFD, the replacement character
      ++i;
    } else {
      // U+0080..U+009F are the control characters of ISO 6429, one-character forms of escape sequences.
      const bool is_control =
          (byte < 0x20 && byte != '\t') || byte == 0x7f || (byte == 0xc2 && byte_at(text, i + 1) < 0xa0);
      if (!is_control) out.append(text.substr(i, length));
      i += length;
    }
  }
  return out;
}

}  // namespace kestrel
