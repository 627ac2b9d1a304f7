#include "hostd/completion/command_tree.h"

#include "kestrel/base/text.h"

namespace kestrel::hostd::completion {

namespace {

void flatten(const Command& command, const std::string& before, std::vector<CommandPath>& out) {
  for (const std::string& name : command.names) {
    const std::string path = concat(before, name);
    out.push_back({path, &command});
    for (const Command& inner : command.commands) flatten(inner, path + ' ', out);
  }
}

}  // namespace

std::vector<CommandPath> flatten(const Command& root) {
  std::vector<CommandPath> paths;
  flatten(root, {}, paths);
  return paths;
}

std::optional<std::string> script_for(std::string_view shell, const Program& program) {
  if (shell == "bash") return bash_script(program);
  if (shell == "zsh") return zsh_script(program);
  if (shell == "fish") return fish_script(program);
  return std::nullopt;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (auto at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    out += concat(text.substr(0, at), to);
    text.remove_prefix(at + from.size());
  }
  return out + std::string(text);
}

std::string shell_quoted(std::string_view text) { return concat('\'', replaced(text, "'", R"('\'')"), '\''); }

}  // namespace kestrel::hostd::completion
