#include "kestrel/config/yaml_wording.h"

#include <array>

#include "kestrel/base/text.h"

namespace kestrel::config {
namespace {

struct Wording {
  std::string_view complaint;
  std::string_view meaning;
};
constexpr std::array wordings = {
    Wording{"end of map not found",
            "this does not continue the map above; check the indentation and the quotes"},
    Wording{"end of sequence not found", "this does not continue the list above; check the indentation"},
    Wording{"end of map flow not found", "'{' without its '}'"},
    Wording{"end of sequence flow not found", "'[' without its ']'"},
    Wording{"illegal flow end", "'}' or ']' without its beginning"},
    Wording{"illegal map value",
            "a key and a value cannot stand here; check the indentation, or quote a text that contains ': '"},
    Wording{"illegal map key", "a key cannot stand here; check the indentation"},
    Wording{"illegal block entry", "a list item cannot stand here; check the indentation"},
    Wording{"illegal EOF in scalar", "a quote is not closed"},
    Wording{"unknown token", "a text cannot begin with this character; quote it"},
    Wording{"the referenced anchor is not defined", "this alias names no anchor"},
};

bool is_indented_with_tabs(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

}  // namespace

std::string syntax_message(std::string_view complaint, std::string_view text, int line) {
  if (is_indented_with_tabs(text, line)) return "indent with spaces, not tabs";
  for (const Wording& wording : wordings) {
    if (wording.complaint == complaint) return std::string(wording.meaning);
  }
  return concat("not valid YAML: ", complaint);
}

}  // namespace kestrel::config
