// What may be written behind a program's name, as a value: what shells complete is made of it, and a
// manual.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel::hostd::completion {

/// What a word stands for, and so what it is completed with.
struct Argument {
  enum class Kind {
    text,   ///< nothing is known
    words,  ///< one of `words`
    file,
    folder,
    socket,     ///< `unix:` and a path
    place,      ///< a path here, or one in a VM: `VM:PATH`
    name,       ///< what the program's source of that label prints
    remainder,  ///< from here on the words are another program's
  };
  Kind kind = Kind::text;
  std::string label;  ///< as in the help: `VM`, `FILE`
  std::vector<std::string> words = {};
  std::string description = {};  ///< of a positional
  friend bool operator==(const Argument&, const Argument&) = default;
};

struct Option {
  std::vector<std::string> names;  ///< with their dashes
  std::string description;
  std::optional<Argument> value = {};
  bool can_repeat = false;
};

struct Command {
  std::vector<std::string> names;  ///< the first one is its own, others are aliases
  std::string description;
  std::vector<Option> options = {};
  std::vector<Argument> positionals = {};
  std::vector<Command> commands = {};
  std::string notes = {};  ///< what is to be said of it beside all that; may have several lines
};

struct Program {
  Command root;
  /// By label: a shell command that prints the names, one a line. Where a VM has to be known it stands in
  /// `$vm`.
  std::map<std::string, std::string> sources = {};
};

/// A command by the words that lead to it.
struct CommandPath {
  std::string path;  ///< `kestrelctl vms top`
  const Command* command;
};
/// The root and everything below it, once for each name. They point into `root`.
[[nodiscard]] std::vector<CommandPath> flatten(const Command& root);

/// Scripts that a shell reads once. The text of descriptions is quoted; names and words are taken as they
/// are.
[[nodiscard]] std::string bash_script(const Program& program);
[[nodiscard]] std::string zsh_script(const Program& program);
[[nodiscard]] std::string fish_script(const Program& program);

/// Of a shell by its name; nullopt: of none that is known.
[[nodiscard]] std::optional<std::string> script_for(std::string_view shell, const Program& program);

/// `text` within single quotes, for any of the three.
[[nodiscard]] std::string shell_quoted(std::string_view text);
/// `text` with every `from` become `to`.
[[nodiscard]] std::string replaced(std::string_view text, std::string_view from, std::string_view to);

}  // namespace kestrel::hostd::completion
