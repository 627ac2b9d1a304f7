#include "kestrel/config/raw.h"

#include <algorithm>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"

namespace kestrel::config {
namespace {

constexpr std::size_t longest_quote = 60;

bool looks_like_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && is_digit(text.front()) && is_digit(text.back()) &&
         std::count(text.begin(), text.end(), '.') <= 1 &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_digit(c) || c == '.' || c == '_'; });
}

}  // namespace

std::string quoted(std::string_view text) {
  if (text.size() <= longest_quote) return concat('\'', printable(text), '\'');
  std::size_t end = longest_quote;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;  // not inside a UTF-8 character
  return concat('\'', printable(text.substr(0, end)), "…'");
}

std::string describe_found(const Raw& raw) {
  return std::visit(overloaded{[](const RawNothing&) { return std::string("nothing"); },
                               [](const RawScalar& scalar) {
                                 const bool is_number = looks_like_number(scalar.text);
                                 if (!scalar.is_plain) return concat("the text ", quoted(scalar.text));
                                 if (is_number) return concat("the number ", scalar.text);
                                 if (scalar.text == "true" || scalar.text == "false") return scalar.text;
                                 return quoted(scalar.text);
                               },
                               [](const RawList&) { return std::string("a list"); },
                               [](const RawMap&) { return std::string("a map"); }},
                    raw.value);
}

}  // namespace kestrel::config
