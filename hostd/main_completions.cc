// completions PROGRAM SHELL: prints what completes the command line of kestrelctl, hostd or kestrel. It is
// part of the build, and spares the guest's binary the code that makes these scripts.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>

#include "hostd/cli/command_line.h"
#include "hostd/cli/hostd_command_line.h"
#include "hostd/completion/describe.h"
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

}  // namespace

int main(int argc, char** argv) {
  const auto program = argc == 3 ? describe(argv[1]) : std::nullopt;
  const auto script = program ? hostd::completion::script_for(argv[2], *program) : std::nullopt;
  if (!script) {
    std::fputs("usage: completions kestrelctl|hostd|kestrel bash|zsh|fish\n", stderr);
    return 2;
  }
  return std::fputs(script->c_str(), stdout) < 0 ? 1 : 0;
}
