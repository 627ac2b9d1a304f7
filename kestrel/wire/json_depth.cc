#include "kestrel/wire/json_depth.h"

namespace kestrel::wire {

bool is_shallow_json(std::string_view text) {
  constexpr int deepest = 32;
  int depth = 0;
  bool is_in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_in_string && c == '\\') ++i;
    if (c == '"') is_in_string = !is_in_string;
    if (!is_in_string && (c == '{' || c == '[') && ++depth > deepest) return false;
    if (!is_in_string && (c == '}' || c == ']')) --depth;
  }
  return true;
}

}  // namespace kestrel::wire
