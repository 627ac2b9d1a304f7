// completions PROGRAM SHELL: prints what completes the command line of kestrelctl, hostd or kestrel, or its
// manual page where SHELL is man. It is part of the build, and spares the guest's binary the code for it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>

#include "hostd/cli/command_line.h"
#include "hostd/cli/hostd_command_line.h"
#include "hostd/completion/describe.h"
#include "hostd/completion/man_page.h"
#include "kestrel/app/subcommands.h"

namespace {

using namespace kestrel;
using hostd::completion::Program;

Program describe_kestrel() {
  CLI::App app("Kestrel", "kestrel");
  app.set_version_flag("--version", KESTREL_VERSION);
  app::Action action;
  app::add_subcommands(app, action);
  return hostd::completion::describe(app,
                                     {{"SERVICE", "kestrel status 2>/dev/null | sed '1,/^NAME /d;s/ .*//'"}});
}

std::optional<Program> describe(const std::string& program) {
  if (program == "kestrelctl") return hostd::describe_command_line();
  if (program == "hostd") return hostd::describe_hostd_command_line();
  if (program == "kestrel") return describe_kestrel();
  return std::nullopt;
}

/// kestrelctl is for everybody, the others are for who runs the machine.
std::optional<std::string> text_for(const std::string& kind, const std::string& name,
                                    const Program& program) {
  using namespace hostd::completion;
  if (kind != "man") return script_for(kind, program);
  return man_page(program, name == "kestrelctl" ? user_commands : administration, KESTREL_VERSION);
}

}  // namespace

int main(int argc, char** argv) {
  const auto program = argc == 3 ? describe(argv[1]) : std::nullopt;
  const auto script = program ? text_for(argv[2], argv[1], *program) : std::nullopt;
  if (!script) {
    std::fputs("usage: completions kestrelctl|hostd|kestrel bash|zsh|fish|man\n", stderr);
    return 2;
  }
  return std::fputs(script->c_str(), stdout) < 0 ? 1 : 0;
}
