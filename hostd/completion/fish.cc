#include "hostd/completion/command_tree.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd::completion {

namespace {

/// PROGRAM stands for the program's name. Prints three lines: the command, the number of the argument that is
/// being written, and the first argument.
constexpr std::string_view engine = R"(
function __PROGRAM_place
  set -l words (commandline -opc)
  set -l path PROGRAM
  set -l arguments
  set -l skips 0
  for word in $words[2..]
    if test $skips = 1
      set skips 0
    else if string match -q -- '-*' $word
      contains -- "$path $word" $__PROGRAM_valued
      and set skips 1
    else if contains -- "$path $word" $__PROGRAM_commands
      set path "$path $word"
    else
      set -a arguments $word
    end
  end
  printf '%s\n' $path (math 1 + (count $arguments)) "$arguments[1]"
end
function __PROGRAM_at
  set -l place (__PROGRAM_place)
  test "$place[1]" = "$argv[1]"
  and begin
    test (count $argv) = 1
    or test "$place[2]" = "$argv[2]"
  end
end
complete -c PROGRAM -f
)";

/// Within single quotes fish knows `\'` and `\\`.
std::string quoted(std::string_view text) {
  return concat('\'', replaced(replaced(text, "\\", "\\\\"), "'", "\\'"), '\'');
}

std::string from(const std::string& source, const std::string& name) {
  return quoted(concat("(set -l vm (__", name, "_place)[3]; ", source, ')'));
}

/// Files are offered, too.
constexpr std::string_view files = " -F";

/// What goes behind the option or the condition of `complete`.
std::string completes(const Argument& argument, const Program& program) {
  const std::string& name = program.root.names.front();
  switch (argument.kind) {
    case Argument::Kind::words:
      return concat(" -a ", quoted(join(argument.words, " ")));
    case Argument::Kind::file:
      return std::string(files);
    case Argument::Kind::folder:
      return " -a '(__fish_complete_directories (commandline -ct))'";
    case Argument::Kind::socket:
      return " -a 'unix:'";
    case Argument::Kind::place:
      return concat(files, " -a ",
                    from(concat(program.sources.at("VM"), " | string replace -r '$' :"), name));
    case Argument::Kind::name:
      return concat(" -a ", from(program.sources.at(argument.label), name));
    case Argument::Kind::text:
    case Argument::Kind::remainder:
      break;
  }
  return {};
}

/// A `complete` for the command at `path`; with a position, for that argument of it.
std::string line_for(const std::string& name, const std::string& path, std::string_view position = {}) {
  return concat("complete -c ", name, " -n ",
                quoted(concat("__", name, "_at '", path, "'", position.empty() ? "" : " ", position)));
}

std::string option_line(const Option& option, const std::string& path, const Program& program) {
  std::string line = line_for(program.root.names.front(), path);
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? concat(" -l ", name.substr(2)) : concat(" -s ", name.substr(1));
  if (option.value) {
    const std::string offered = completes(*option.value, program);
    line += concat(offered.starts_with(files) ? " -r" : " -x", offered);
  }
  return concat(line, " -d ", quoted(option.description), '\n');
}

}  // namespace

std::string fish_script(const Program& program) {
  const std::string& name = program.root.names.front();
  std::string commands, valued, lines;
  for (const auto& [path, command] : flatten(program.root)) {
    commands += concat(' ', quoted(path));
    for (const Command& inner : command->commands) {
      for (const std::string& word : inner.names)
        lines += concat(line_for(name, path, "1"), " -a ", word, " -d ", quoted(inner.description), '\n');
    }
    for (std::size_t i = 0; i < command->positionals.size(); ++i) {
      const std::string offered = completes(command->positionals[i], program);
      if (!offered.empty()) lines += concat(line_for(name, path, concat(i + 1)), offered, '\n');
    }
    for (const Option& option : command->options) {
      lines += option_line(option, path, program);
      if (!option.value) continue;
      for (const std::string& each : option.names) valued += concat(' ', quoted(concat(path, ' ', each)));
    }
  }
  return concat("# fish completion for ", name, ", made from its command line\nset -g __", name, "_commands",
                commands, "\nset -g __", name, "_valued", valued, replaced(engine, "PROGRAM", name), lines);
}

}  // namespace kestrel::hostd::completion
