#include "kestrel/control/line_cutter.h"

namespace kestrel::control {

namespace {

/// Where to split a line without an end within the cap. UTF-8's continuation bytes are 10xxxxxx, at most
/// three in a character.
std::size_t split_point(std::string_view bytes) {
  for (std::size_t back = 0; back <= 3; ++back) {
    if ((static_cast<unsigned char>(bytes[longest_log_line - back]) & 0xc0U) != 0x80U)
      return longest_log_line - back;
  }
  return longest_log_line;
}

}  // namespace

std::size_t LineCutter::cut(std::string_view& bytes) {
  // One byte more than the cap tells whether a newline follows, and whether the cap is inside a character.
  std::size_t length = bytes.substr(0, longest_log_line + 1).find('\n');
  if (length != none) {
    bytes.remove_prefix(length + 1);
  } else if (bytes.size() > longest_log_line) {
    length = split_point(bytes);
    bytes.remove_prefix(length);
  }
  return length;
}

std::size_t LineCutter::extend_partial(std::string_view& bytes) {
  const std::string_view usable = bytes.substr(0, longest_log_line + 1 - partial_.size());
  const std::size_t newline = usable.find('\n');
  partial_.append(usable.substr(0, newline));
  bytes.remove_prefix(newline == none ? usable.size() : newline + 1);
  if (newline != none) return partial_.size();
  return partial_.size() > longest_log_line ? split_point(partial_) : none;
}

}  // namespace kestrel::control
