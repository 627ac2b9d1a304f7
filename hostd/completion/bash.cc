#include "hostd/completion/command_tree.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd::completion {

namespace {

/// PROGRAM stands for the program's name. Words are cut at white space, not at `=` and `:` as bash does, and
/// what stands before the part that bash completes is taken off in the end. Names may be a stranger's: they
/// are not expanded, as compgen -W would, and those that a shell would read anything into are left out.
constexpr std::string_view engine = R"sh(
_PROGRAM_names() {
  local name
  while IFS= read -r name; do
    [[ $name != "$2"* || $name == *[!a-zA-Z0-9_.@+-]* ]] || COMPREPLY+=("$name$3")
  done < <(eval "$1")
}
_PROGRAM() {
  local line=${COMP_LINE:0:COMP_POINT} path=PROGRAM count=1 vm= kind= ended= word i
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local current=${words[-1]} before=
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    word=${words[i]}
    if [[ $word == -- ]]; then
      ended=1
    elif [[ $word == -* && ! $ended ]]; then
      [[ $word == *=* ]] || kind=$(_PROGRAM_value "$path $word")
      [[ ! $kind ]] || ((++i < ${#words[@]} - 1)) || break
      kind=
    elif [[ " $(_PROGRAM_commands "$path") " == *" $word "* ]]; then
      path+=" $word"
    else
      ((count++ > 1)) || vm=$word
      [[ $(_PROGRAM_argument "$path $count") != remainder ]] || return 0
    fi
  done
  if [[ $kind ]]; then
    :
  elif [[ $current == --*=* && ! $ended ]]; then
    before=${current%%=*}=
    kind=$(_PROGRAM_value "$path ${current%%=*}")
    current=${current#*=}
  elif [[ $current == -* && ! $ended ]]; then
    kind="words $(_PROGRAM_options "$path")"
  else
    word=$(_PROGRAM_commands "$path")
    kind=$(_PROGRAM_argument "$path $count")
    [[ ! $word ]] || kind="words $word"
  fi
  COMPREPLY=()
  case $kind in
    file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folder) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    words\ *) mapfile -t COMPREPLY < <(compgen -W "${kind#words }" -- "$current") ;;
    name\ *) _PROGRAM_names "${kind#name }" "$current" ;;
    socket)
      compopt -o nospace -o filenames
      if [[ $current == unix:* ]]; then
        mapfile -t COMPREPLY < <(compgen -P unix: -f -- "${current#unix:}")
      else
        mapfile -t COMPREPLY < <(compgen -W unix: -- "$current")
      fi ;;
    place\ *)
      compopt -o filenames
      _PROGRAM_names "${kind#place }" "$current" :
      ((${#COMPREPLY[@]} == 0)) || compopt -o nospace
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;;
  esac
  word=${COMP_WORDS[COMP_CWORD]}
  [[ $word != [=:] ]] || word=
  current=${words[-1]}
  COMPREPLY=("${COMPREPLY[@]/#/$before}")
  COMPREPLY=("${COMPREPLY[@]#"${current%"$word"}"}")
}
complete -F _PROGRAM PROGRAM
)sh";

std::string kind_of(const Argument& argument, const Program& program) {
  switch (argument.kind) {
    case Argument::Kind::text:
      return "text";
    case Argument::Kind::words:
      return concat("words ", join(argument.words, " "));
    case Argument::Kind::file:
      return "file";
    case Argument::Kind::folder:
      return "folder";
    case Argument::Kind::socket:
      return "socket";
    case Argument::Kind::place:
      return concat("place ", program.sources.at("VM"));
    case Argument::Kind::name:
      return concat("name ", program.sources.at(argument.label));
    case Argument::Kind::remainder:
      return "remainder";
  }
  return {};
}

std::string words_of(const std::vector<Command>& commands) {
  std::vector<std::string> words;
  for (const Command& command : commands)
    words.insert(words.end(), command.names.begin(), command.names.end());
  return join(words, " ");
}

std::string names_of(const std::vector<Option>& options) {
  std::vector<std::string> words;
  for (const Option& option : options) words.insert(words.end(), option.names.begin(), option.names.end());
  return join(words, " ");
}

/// A function that prints what a table has for its argument.
class Table {
 public:
  explicit Table(std::string_view name) : text_(concat(name, "() {\n  case $1 in\n")) {}
  void add(std::string_view pattern, std::string_view value) {
    text_ += concat("    ", pattern, ") printf '%s\\n' ", shell_quoted(value), " ;;\n");
  }
  [[nodiscard]] std::string text() const { return text_ + "  esac\n}\n"; }

 private:
  std::string text_;
};

}  // namespace

std::string bash_script(const Program& program) {
  const std::string& name = program.root.names.front();
  Table commands(concat('_', name, "_commands")), options(concat('_', name, "_options"));
  Table values(concat('_', name, "_value")), arguments(concat('_', name, "_argument"));
  for (const auto& [path, command] : flatten(program.root)) {
    const std::string key = shell_quoted(path);
    if (!command->commands.empty()) commands.add(key, words_of(command->commands));
    options.add(key, names_of(command->options));
    for (const Option& option : command->options) {
      if (!option.value) continue;
      std::vector<std::string> patterns;
      for (const std::string& each : option.names) patterns.push_back(shell_quoted(concat(path, ' ', each)));
      values.add(join(patterns, " | "), kind_of(*option.value, program));
    }
    for (std::size_t i = 0; i < command->positionals.size(); ++i)
      arguments.add(shell_quoted(concat(path, ' ', i + 1)), kind_of(command->positionals[i], program));
  }
  return concat("# bash completion for ", name, ", made from its command line\n", commands.text(),
                options.text(), values.text(), arguments.text(), replaced(engine, "PROGRAM", name));
}

}  // namespace kestrel::hostd::completion
