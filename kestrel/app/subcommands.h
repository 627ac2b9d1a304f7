// The tables of kestrel's subcommands; command_line.cc joins them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kestrel::app {

/// What was asked for; the chosen subcommand sets it, and it runs after everything has been parsed. Returns
/// the exit status.
using Action = std::function<int()>;

struct Subcommand {
  const char* name;
  const char* description;
  /// Adds options and arguments, and what sets `action`.
  void (*add)(CLI::App& command, Action& action);
};

/// For options with a few words to choose from: what is wrong with the text; empty if nothing is. (CLI11's
/// own validators for this are several times the size.)
[[nodiscard]] std::function<std::string(const std::string&)> one_of(std::vector<std::string> words);

/// Those that call the API of a running kestrel.
[[nodiscard]] std::span<const Subcommand> client_subcommands();

}  // namespace kestrel::app
