#include "hostd/completion/describe.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "kestrel/base/text.h"

namespace kestrel::hostd::completion {

namespace {

using Sources = std::map<std::string, std::string>;

Argument argument_of(const std::string& label, const Sources& sources) {
  using Kind = Argument::Kind;
  if (sources.contains(label)) return {Kind::name, label};
  if (label == "FILE" || label == "IMAGE") return {Kind::file, label};
  if (label == "DIR") return {Kind::folder, label};
  if (label == "unix:PATH") return {Kind::socket, label};
  if (label == "[VM:]PATH") return {Kind::place, label};
  if (label == "COMMAND") return {Kind::remainder, label};
  if (label.find('|') == std::string::npos) return {Kind::text, label};
  Argument argument{Kind::words, label};
  for (const std::string_view word : split(label, '|')) argument.words.emplace_back(word);
  return argument;
}

/// The first sentence of a text.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Option describe_option(const CLI::Option& option, const Sources& sources) {
  Option described;
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  described.description = first_line(option.get_description());
  if (option.get_items_expected_max() > 0) described.value = argument_of(option.get_type_name(), sources);
  described.can_repeat = option.get_items_expected_max() > 1;
  return described;
}

Argument describe_positional(const CLI::Option& option, const Sources& sources) {
  const std::string type = option.get_type_name();
  Argument argument = argument_of(type == "TEXT" ? option.get_name(true) : type, sources);
  argument.description = first_line(option.get_description());
  return argument;
}

Command describe_command(const CLI::App& app, const Sources& sources) {
  Command command{{app.get_name()}, first_line(app.get_description())};
  command.notes = app.get_footer();
  for (const std::string& alias : app.get_aliases()) command.names.push_back(alias);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.positionals.push_back(describe_positional(*option, sources));
    } else {
      command.options.push_back(describe_option(*option, sources));
    }
  }
  for (const CLI::App* inner : app.get_subcommands([](const CLI::App*) { return true; }))
    command.commands.push_back(describe_command(*inner, sources));
  return command;
}

}  // namespace

Program describe(const CLI::App& app, std::map<std::string, std::string> sources) {
  Command root = describe_command(app, sources);
  return {std::move(root), std::move(sources)};
}

}  // namespace kestrel::hostd::completion
