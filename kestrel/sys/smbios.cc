#include "kestrel/sys/smbios.h"

#include <cstddef>

namespace kestrel::sys {

namespace {

constexpr unsigned char type_oem_strings = 11;
constexpr unsigned char type_end_of_table = 127;
/// Type, length of the formatted area with this header, and a handle (DSP0134, 6.1.2).
constexpr std::size_t header_size = 4;

unsigned char byte(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// Takes the strings behind a formatted area: each ends in a NUL, the last in two, and so do none. False: cut
/// off.
bool take_strings(std::string_view& table, std::vector<std::string_view>& out) {
  if (table.starts_with(std::string_view("\0\0", 2))) {
    table.remove_prefix(2);
    return true;
  }
  while (true) {
    const std::size_t end = table.find('\0');
    if (end == std::string_view::npos) return false;
    if (end > 0) out.push_back(table.substr(0, end));
    table.remove_prefix(end + 1);
    if (end == 0) return true;
  }
}

}  // namespace

std::vector<std::string_view> oem_strings(std::string_view table) {
  std::vector<std::string_view> found;
  while (table.size() >= header_size) {
    const unsigned char type = byte(table, 0);
    const std::size_t length = byte(table, 1);
    if (type == type_end_of_table || length < header_size || length > table.size()) break;
    table.remove_prefix(length);
    std::vector<std::string_view> strings;
    if (!take_strings(table, strings)) break;
    if (type == type_oem_strings) found.insert(found.end(), strings.begin(), strings.end());
  }
  return found;
}

}  // namespace kestrel::sys
