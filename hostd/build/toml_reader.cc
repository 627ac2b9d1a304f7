#include "hostd/build/toml_reader.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

Position position_of(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

TomlValue convert(const toml::node& node) {
  TomlValue value;
  value.position = position_of(node.source());
  if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* number = node.as_integer()) {
    value.data = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    value.data = flag->get();
  } else if (const auto* array = node.as_array()) {
    TomlArray elements;
    for (const toml::node& element : *array) elements.push_back(convert(element));
    value.data = std::move(elements);
  } else if (const auto* table = node.as_table()) {
    TomlTable members;
    for (const auto& [key, member] : *table) {
      TomlValue converted = convert(member);
      // A key tells more than its value, and a dotted table has no place of its own.
      converted.position = position_of(key.source());
      members.push_back({std::string(key.str()), std::move(converted)});
    }
    value.data = std::move(members);
  }
  return value;
}

}  // namespace

Result<TomlValue> read_toml(std::string_view text, const std::string& name) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    const Position position = position_of(error.source());
    return Error{concat(name, ':', position.line, ':', position.column, ": ", error.description())};
  }
  return convert(parsed.table());
}

}  // namespace kestrel::hostd
