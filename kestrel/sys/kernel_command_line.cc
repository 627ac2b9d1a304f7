#include "kestrel/sys/kernel_command_line.h"

#include <string>

namespace kestrel::sys {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Takes one parameter off the front of `text`; white space inside quotes belongs to it.
std::string_view take_parameter(std::string_view& text) {
  bool is_quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (is_quoted || !is_space(text[end])); ++end) {
    if (text[end] == '"') is_quoted = !is_quoted;
  }
  const auto parameter = text.substr(0, end);
  text.remove_prefix(end);
  return parameter;
}

/// Without a quote at the front and its partner at the end; quotes elsewhere stay.
std::string_view unquote(std::string_view text) {
  if (!text.starts_with('"')) return text;
  text.remove_prefix(1);
  if (text.ends_with('"')) text.remove_suffix(1);
  return text;
}

}  // namespace

KernelParameters parse_kernel_command_line(std::string_view text) {
  KernelParameters parameters;
  for (auto& [key, value] : list_kernel_parameters(text))
    parameters.insert_or_assign(std::move(key), std::move(value));
  return parameters;
}

std::vector<std::pair<std::string, std::string>> list_kernel_parameters(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!text.empty()) {
    if (is_space(text.front())) {
      text.remove_prefix(1);
      continue;
    }
    const auto parameter = unquote(take_parameter(text));
    const auto equals = parameter.find('=');
    const auto key = parameter.substr(0, equals);
    if (key.empty()) continue;
    const auto value = equals == std::string_view::npos ? "" : unquote(parameter.substr(equals + 1));
    parameters.emplace_back(key, value);
  }
  return parameters;
}

}  // namespace kestrel::sys
