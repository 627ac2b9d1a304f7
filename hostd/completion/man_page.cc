#include "hostd/completion/man_page.h"

#include "kestrel/base/text.h"

namespace kestrel::hostd::completion {

namespace {

/// For roff (groff_man(7)): a backslash begins a command, a hyphen alone may be broken at, and so may a line
/// that begins with a dot or an apostrophe mean something.
std::string roff(std::string_view text) {
  std::string out = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
  out = replaced(replaced(out, "\n.", "\n\\&."), "\n'", "\n\\&'");
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string bold(std::string_view text) { return concat("\\fB", roff(text), "\\fR"); }
std::string italic(std::string_view text) { return concat("\\fI", roff(text), "\\fR"); }

std::string tagged(std::string_view tag, std::string_view text) {
  return concat(".TP\n", tag, '\n', text.empty() ? "\\&" : roff(text), '\n');
}

std::string option_tag(const Option& option) {
  std::string tag;
  for (const std::string& name : option.names) tag += concat(tag.empty() ? "" : ", ", bold(name));
  return option.value ? concat(tag, ' ', italic(option.value->label)) : tag;
}

/// What may stand behind a command's name.
std::string usage(const Command& command) {
  std::string text;
  if (!command.options.empty()) text += " [" + italic("OPTION") + "...]";
  for (const Argument& argument : command.positionals) text += ' ' + italic(argument.label);
  if (!command.commands.empty()) text += ' ' + italic("COMMAND");
  return text;
}

std::string details(const Command& command) {
  std::string text;
  for (const Argument& argument : command.positionals) {
    if (!argument.description.empty()) text += tagged(italic(argument.label), argument.description);
  }
  for (const Option& option : command.options) {
    if (option.names.back() != "--help") text += tagged(option_tag(option), option.description);
  }
  if (!command.notes.empty()) text += concat(".PP\n", roff(command.notes), '\n');
  return text;
}

/// Of a command and those below it; one that only leads to others is not worth a section.
std::string sections(const Command& command, const std::string& path) {
  std::string text;
  for (const Command& inner : command.commands) {
    const std::string inner_path = concat(path, ' ', inner.names.front());
    if (inner.commands.empty()) {
      text += concat(".SS ", bold(inner_path), usage(inner), '\n', roff(inner.description), ".\n",
                     details(inner));
    }
    text += sections(inner, inner_path);
  }
  return text;
}

}  // namespace

std::string man_page(const Program& program, ManSection section, std::string_view version) {
  const Command& root = program.root;
  const std::string& name = root.names.front();
  std::string_view about = root.description;
  while (about.ends_with('.')) about.remove_suffix(1);
  std::string text =
      concat(".TH ", name, ' ', section.number, " \"\" \"Kestrel ", version, "\" \"", section.title, "\"\n");
  text += concat(".SH NAME\n", roff(name), " \\- ", roff(about), '\n');
  text += concat(".SH SYNOPSIS\n", bold(name), usage(root), '\n');
  text += concat(".SH OPTIONS\n", details(root));
  text += concat(".SH COMMANDS\n", sections(root, name));
  return text;
}

}  // namespace kestrel::hostd::completion
