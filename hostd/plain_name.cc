#include "hostd/plain_name.h"

#include <algorithm>

namespace kestrel::hostd {

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

}  // namespace

bool is_plain_name(std::string_view name, std::size_t longest) {
  return !name.empty() && name.size() <= longest && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

}  // namespace kestrel::hostd
