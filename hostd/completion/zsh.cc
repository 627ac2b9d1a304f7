#include <algorithm>

#include "hostd/completion/command_tree.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd::completion {

namespace {

/// PROGRAM stands for the program's name.
constexpr std::string_view helpers = R"sh(
_PROGRAM_names() {
  local vm=${${words[2,-1]:#-*}[1]}
  local -a found
  found=(${(f)"$(eval $1)"})
  compadd "${@[2,-1]}" -a found
}
_PROGRAM_socket() {
  if compset -P 'unix:'; then _files; else compadd -S '' unix:; fi
}
_PROGRAM_place() {
  _PROGRAM_names $1 -S :
  _files
}
)sh";

/// Within a spec of _arguments(1), itself in single quotes.
std::string in_spec(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '[' || c == ']' || c == ':') out += '\\';
    out += c;
  }
  return replaced(out, "'", R"('\'')");
}

/// `:LABEL:ACTION`
std::string action_of(const Argument& argument, const Program& program) {
  const std::string& name = program.root.names.front();
  const auto from = [&](std::string_view function, const std::string& label) {
    // After a space _arguments calls it with these arguments alone.
    return concat(" _", name, function, ' ',
                  replaced(shell_quoted(program.sources.at(label)), "'", R"('\'')"));
  };
  std::string action;
  switch (argument.kind) {
    case Argument::Kind::text:
      action = " ";
      break;
    case Argument::Kind::words:
      action = concat('(', join(argument.words, " "), ')');
      break;
    case Argument::Kind::file:
      action = "_files";
      break;
    case Argument::Kind::folder:
      action = "_files -/";
      break;
    case Argument::Kind::socket:
      action = concat('_', name, "_socket");
      break;
    case Argument::Kind::place:
      action = from("_place", "VM");
      break;
    case Argument::Kind::name:
      action = from("_names", argument.label);
      break;
    case Argument::Kind::remainder:
      action = " ";
      break;
  }
  return concat(':', in_spec(argument.label), ':', action);
}

std::string spec_of(const Option& option, const Program& program) {
  const std::string names = option.names.size() == 1 ? concat("'", option.names.front())
                                                     : concat('{', join(option.names, ","), "}'");
  const std::string excludes = option.can_repeat ? "'*'" : concat("'(", join(option.names, " "), ")'");
  return concat(excludes, names, '[', in_spec(option.description), ']',
                option.value ? action_of(*option.value, program) : "", "'");
}

std::string function_of(const std::string& path) { return concat('_', replaced(path, " ", "_")); }

void add_function(const Command& command, const std::string& path, const Program& program, std::string& out) {
  for (const Command& inner : command.commands)
    add_function(inner, concat(path, ' ', inner.names.front()), program, out);
  out += concat('\n', function_of(path), "() {\n");
  const bool has_commands = !command.commands.empty();
  if (has_commands) out += "  local curcontext=$curcontext state line result=1\n  local -A opt_args\n";
  const bool has_remainder =
      std::any_of(command.positionals.begin(), command.positionals.end(),
                  [](const Argument& each) { return each.kind == Argument::Kind::remainder; });
  out += concat("  _arguments -s -S", has_commands ? " -C" : "", has_remainder ? " -A '-*'" : "");
  for (const Option& option : command.options) out += concat(" \\\n    ", spec_of(option, program));
  std::size_t position = 1;
  for (const Argument& argument : command.positionals) {
    const bool is_rest = argument.kind == Argument::Kind::remainder;
    out += concat(" \\\n    '", is_rest ? "*:" : concat(position++), action_of(argument, program), "'");
  }
  if (!has_commands) {
    out += "\n}\n";
    return;
  }
  out +=
      " \\\n    '1: :->command' '*:: :->rest' && result=0\n  case $state in\n    command)\n      local -a "
      "commands=(";
  for (const Command& inner : command.commands) {
    for (const std::string& name : inner.names)
      out += concat("\n        ", shell_quoted(concat(name, ':', inner.description)));
  }
  out += ")\n      _describe command commands && result=0 ;;\n    rest)\n      case $words[1] in\n";
  for (const Command& inner : command.commands) {
    out += concat("        ", join(inner.names, " | "), ") ",
                  function_of(concat(path, ' ', inner.names.front())), " && result=0 ;;\n");
  }
  out += "      esac ;;\n  esac\n  return result\n}\n";
}

}  // namespace

std::string zsh_script(const Program& program) {
  const std::string& name = program.root.names.front();
  std::string out = concat("#compdef ", name, "\n# zsh completion for ", name,
                           ", made from its command line\n", replaced(helpers, "PROGRAM", name));
  add_function(program.root, name, program, out);
  // Autoloaded, the file is the function itself; sourced, it is what compdef needs.
  return concat(out, "\nif [[ $funcstack[1] == _", name, " ]]; then _", name, " \"$@\"; else compdef _", name,
                ' ', name, "; fi\n");
}

}  // namespace kestrel::hostd::completion
