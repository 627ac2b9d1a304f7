// The tables of kestrel's subcommands; command_line.cc joins them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

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

/// The option is one of a few words. (CLI11's own validators for this are several times the size.)
void set_choice(CLI::Option& option, std::vector<std::string> words);

/// Those that call the API of a running kestrel.
[[nodiscard]] std::span<const Subcommand> client_subcommands();

/// All of them.
void add_subcommands(CLI::App& app, Action& action);

}  // namespace kestrel::app
