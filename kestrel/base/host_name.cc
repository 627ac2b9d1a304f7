#include "kestrel/base/host_name.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel {

namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_label(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

}  // namespace

bool is_host_name(std::string_view name, std::size_t longest) {
  if (name.size() > longest) return false;
  const auto labels = split(name, '.');
  return std::all_of(labels.begin(), labels.end(), is_label);
}

}  // namespace kestrel
