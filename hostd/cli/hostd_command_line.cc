#include "hostd/cli/hostd_command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>

#include "hostd/completion/describe.h"
#include "hostd/exit_status.h"
#include "hostd/runner/pipe_observer.h"
#include "hostd/runner/run_vm.h"
#include "hostd/vsock/command.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

using Action = std::function<int()>;

int run_from_spec(const std::string& path) {
  const TscMeter tsc;
  const auto text = path == "-"
                        ? Result<std::string>(std::string(std::istreambuf_iterator<char>(std::cin), {}))
                        : sys::read_file(path);
  if (!text) {
    log_error(text.error().message);
    return to_status(ExitCode::host_error);
  }
  const auto spec = parse_vm_spec(*text);
  if (!spec) {
    log_error(spec.error().message);
    return to_status(ExitCode::host_error);
  }
  loop::Loop loop;
  PipeObserver observer(STDOUT_FILENO);
  const Outcome outcome = run_vm(loop, *spec, observer, tsc, AfterEnd::keep_logs);
  if (!outcome.message.empty()) log_error("cannot run ", spec->name, ": ", outcome.message);
  return outcome.status;
}

void add_vm(CLI::App& app, Action& action) {
  const auto spec = std::make_shared<std::string>();
  CLI::App* vm = app.add_subcommand("vm", "Run one VM until it ends");
  vm->footer(
      "It prints its progress on stdout as lines of JSON and logs to stderr. SIGTERM and SIGINT shut the "
      "guest\n"
      "down in order, a second one ends it by force. It exits with the guest's status; its own are 116 to "
      "127.");
  vm->add_option("SPEC", *spec, "a vm.json, or - for standard input")->required()->type_name("FILE");
  vm->callback([spec, &action] { action = [spec] { return run_from_spec(*spec); }; });
}

void add_commands(CLI::App& app, Action& action) {
  app.require_subcommand(1);
  app.set_version_flag("--version", "hostd " KESTREL_VERSION);
  add_vm(app, action);
  vsock::add_vsock_command(app, action);
}

constexpr auto about = "The host's side of Kestrel, one process a VM.";

}  // namespace

completion::Program describe_hostd_command_line() {
  CLI::App app(about, "hostd");
  Action action;
  add_commands(app, action);
  return completion::describe(app, {});
}

int run_hostd_command_line(int argc, char** argv) {
  CLI::App app(about, "hostd");
  Action action;
  add_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return to_status(app.exit(error) == 0 ? ExitCode::success : ExitCode::usage);
  }
  return action();
}

}  // namespace kestrel::hostd
