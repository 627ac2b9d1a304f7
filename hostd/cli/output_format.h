// How a command prints what it has found: as a table for people, or for programs.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace kestrel::hostd {

enum class OutputFormat { table, json, yaml };

/// `-o table|json|yaml`, a table by default.
void add_output_option(CLI::App& command, OutputFormat& format);

/// The same document in YAML's block style; text stands in double quotes, as in JSON, where it could be taken
/// for something else.
[[nodiscard]] std::string to_yaml(std::string_view json);

/// A document for programs, in the format that was asked for and with its line break.
[[nodiscard]] std::string in_format(OutputFormat format, std::string json);

}  // namespace kestrel::hostd
