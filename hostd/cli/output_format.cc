#include "hostd/cli/output_format.h"

#include <algorithm>
#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::ordered_json;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Beyond doubt text in every version of YAML.
bool is_plain(const std::string& text) {
  if (text.empty() || !is_letter(text.front())) return false;
  for (const char* word : {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}) {
    if (text.size() == std::string_view(word).size() &&
        std::equal(text.begin(), text.end(), word, [](char a, char b) { return (a | 0x20) == b; }))
      return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
  });
}

std::string scalar(const ordered_json& value) {
  if (value.is_string() && is_plain(value.get<std::string>())) return value.get<std::string>();
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

bool has_lines_of_its_own(const ordered_json& value) { return value.is_structured() && !value.empty(); }

void append(std::string& out, const ordered_json& value, std::size_t indent);

/// What stands behind `key:` or `-`, to the end of the line and below it.
void append_nested(std::string& out, const ordered_json& value, std::size_t indent) {
  if (!has_lines_of_its_own(value)) {
    out += concat(' ', scalar(value), '\n');
    return;
  }
  out += '\n';
  append(out, value, indent);
}

void append(std::string& out, const ordered_json& value, std::size_t indent) {
  const std::string space(indent, ' ');
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      out += concat(space, scalar(key), ':');
      append_nested(out, member, indent + 2);
    }
  } else if (value.is_array()) {
    for (const ordered_json& element : value) {
      if (!has_lines_of_its_own(element)) {
        out += concat(space, "- ", scalar(element), '\n');
        continue;
      }
      // The first line of the element stands behind the dash.
      std::string lines;
      append(lines, element, indent + 2);
      out += concat(space, "- ", std::string_view(lines).substr(indent + 2));
    }
  }
}

}  // namespace

void add_output_option(CLI::App& command, OutputFormat& format) {
  static const std::map<std::string, OutputFormat> formats = {
      {"table", OutputFormat::table}, {"json", OutputFormat::json}, {"yaml", OutputFormat::yaml}};
  command.add_option("-o,--output", format, "table by default")
      ->type_name("table|json|yaml")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""));
}

std::string in_format(OutputFormat format, std::string json) {
  if (format == OutputFormat::yaml) return to_yaml(json);
  if (!json.ends_with('\n')) json += '\n';
  return json;
}

std::string to_yaml(std::string_view json) {
  const ordered_json document = ordered_json::parse(json, nullptr, false);
  if (!has_lines_of_its_own(document)) return scalar(document) + "\n";
  std::string out;
  append(out, document, 0);
  return out;
}

}  // namespace kestrel::hostd
