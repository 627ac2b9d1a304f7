#include "hostd/cli/exec_command_line.h"

#include <algorithm>
#include <array>
#include <CLI/CLI.hpp>
#include <memory>
#include <string_view>
#include <utility>

#include "hostd/cli/exec_command.h"

namespace kestrel::hostd {

namespace {

constexpr auto vm_description = "the VM, or unix:PATH, the API's socket of any kestrel";
constexpr auto stdin_description = "pass standard input on";
constexpr auto terminal_description = "give it a terminal; with -i this one";

/// Those of exec that have a value, in the next word unless it stands in the same.
constexpr std::array<std::string_view, 7> with_value = {"-e", "--env",     "-u",       "--user",
                                                        "-w", "--workdir", "--timeout"};

bool takes_next_word(std::string_view option) {
  const bool is_bundle = option.size() > 2 && option[1] != '-';
  // Of `-itu` the last letter counts; `-uroot` has its value, and no letter before it may have one.
  const std::string last = is_bundle ? std::string{'-', option.back()} : std::string(option);
  if (is_bundle && option.find_first_of("euw") != option.size() - 1) return false;
  return std::find(with_value.begin(), with_value.end(), last) != with_value.end();
}

void add_exec(CLI::App& app, std::vector<std::string> command, std::function<int()>& action) {
  auto options = std::make_shared<ExecOptions>();
  options->command = std::move(command);
  CLI::App* exec = app.add_subcommand("exec", "Run a program in a guest");
  exec->footer(
      "kestrelctl exec [OPTIONS] VM [--] COMMAND [ARGUMENT...]: what stands behind the VM is the command's.\n"
      "Exits with the command's status, 128 + its signal, 124 after the timeout, 126 where it cannot be\n"
      "executed, 127 where it is not there, and 125 where something else failed.");
  exec->add_option("VM", options->vm, vm_description)->required()->type_name("VM");
  // Never parsed (take_exec_command): for the help, and for shells that complete.
  exec->add_option("COMMAND", options->command, "the program and its arguments")->type_name("COMMAND");
  exec->add_flag("-i,--interactive", options->is_interactive, stdin_description);
  exec->add_flag("-t,--tty", options->has_terminal, terminal_description);
  exec->add_flag("-d,--detach", options->is_detached, "leave it running, and print its id for attach");
  exec->add_option("-e,--env", options->env, "KEY=VALUE, or KEY to pass on one's own")
      ->take_all()
      ->allow_extra_args(false);
  exec->add_option("-u,--user", options->user, "USER or USER:GROUP, by name or number (default: root)");
  exec->add_option("-w,--workdir", options->working_dir, "its working folder (default: /)");
  exec->add_option("--timeout", options->timeout, "kill it after this long, such as 30s");
  exec->callback([options, &action] { action = [options] { return exec_command(*options); }; });
}

void add_shell(CLI::App& app, std::function<int()>& action) {
  auto options = std::make_shared<ShellOptions>();
  CLI::App* shell = app.add_subcommand("shell", "Open a shell in a guest");
  shell->add_option("VM", options->vm, vm_description)->required()->type_name("VM");
  shell->add_option("-u,--user", options->user, "whose shell (default: root)");
  shell->add_option("-w,--workdir", options->working_dir, "where it begins (default: /)");
  shell->add_option("--shell", options->shell, "the program (default: bash, else sh)");
  shell->callback([options, &action] { action = [options] { return shell_command(*options); }; });
}

void add_attach(CLI::App& app, std::function<int()>& action) {
  auto options = std::make_shared<AttachOptions>();
  CLI::App* attach = app.add_subcommand("attach", "Come back to a program that exec -d left running");
  attach->add_option("VM", options->vm, vm_description)->required()->type_name("VM");
  attach->add_option("EXEC", options->exec_id, "what exec -d printed")->required();
  attach->add_option("--offset", options->offset,
                     "leave out so many bytes of its output, of which 1 MiB is kept");
  attach->add_flag("-i,--interactive", options->is_interactive, stdin_description);
  attach->add_flag("-t,--tty", options->has_terminal, "it has a terminal; with -i this one is its");
  attach->callback([options, &action] { action = [options] { return attach_command(*options); }; });
}

}  // namespace

std::vector<std::string> take_exec_command(std::vector<std::string>& words) {
  auto word = words.begin();
  if (word != words.end() && *word == "vms") ++word;
  if (word == words.end() || *word != "exec") return {};
  ++word;
  while (word != words.end() && word->starts_with('-')) {
    const bool skips_next = takes_next_word(*word) && std::next(word) != words.end();
    word += skips_next ? 2 : 1;
  }
  if (word == words.end()) return {};
  ++word;
  const auto first = word != words.end() && *word == "--" ? std::next(word) : word;
  std::vector<std::string> command(first, words.end());
  words.erase(word, words.end());
  return command;
}

void add_exec_commands(CLI::App& app, std::vector<std::string> exec_command, std::function<int()>& action) {
  add_exec(app, std::move(exec_command), action);
  add_shell(app, action);
  add_attach(app, action);
}

}  // namespace kestrel::hostd
