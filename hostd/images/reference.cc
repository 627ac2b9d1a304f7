#include "hostd/images/reference.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t longest = 64;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_name_character(char c) { return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-'; }
bool is_version_character(char c) { return is_name_character(c) || (c >= 'A' && c <= 'Z') || c == '+'; }
bool is_punctuation(char c) { return c == '.' || c == '_' || c == '-' || c == '+'; }

}  // namespace

bool is_image_name(std::string_view text) {
  return !text.empty() && text.size() <= longest && is_lower_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), is_name_character);
}

bool is_image_version(std::string_view text) {
  return !text.empty() && text.size() <= longest && !is_punctuation(text.front()) &&
         std::all_of(text.begin(), text.end(), is_version_character);
}

Result<ImageReference> parse_reference(std::string_view text) {
  const auto colon = text.find(':');
  ImageReference reference{std::string(text.substr(0, colon)), {}};
  const bool has_version = colon != std::string_view::npos;
  if (has_version) reference.version = text.substr(colon + 1);
  if (!is_image_name(reference.name) || (has_version && !is_image_version(reference.version)))
    return Error{concat("cannot use `", text, "` as an image: it is not NAME or NAME:VERSION")};
  return reference;
}

std::string format_reference(const ImageReference& reference) {
  return reference.version.empty() ? reference.name : concat(reference.name, ':', reference.version);
}

}  // namespace kestrel::hostd
