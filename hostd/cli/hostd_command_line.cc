#include "hostd/cli/hostd_command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>

#include "hostd/cli/run_options.h"
#include "hostd/completion/describe.h"
#include "hostd/daemon/serve.h"
#include "hostd/exit_status.h"
#include "hostd/runner/attached_vm.h"
#include "hostd/runner/pipe_observer.h"
#include "hostd/runner/run_vm.h"
#include "hostd/state_dir.h"
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

/// The command line of a VM whose VMM is somebody else's.
struct AttachOptions {
  std::string folder;
  std::string uds;
  std::string hostname;
  std::vector<std::string> ports;
  std::vector<std::string> env;
};

/// The last part of the path is the VM's name; a path of only one part is below the folder of all VMs.
Result<AttachSpec> make_attach_spec(const AttachOptions& options) {
  AttachSpec spec;
  std::string folder = options.folder;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  spec.name = folder.substr(folder.rfind('/') + 1);
  if (!is_vm_name(spec.name))
    return Error{concat("cannot attach to ", folder, ": `", spec.name, "` is no VM's name")};
  spec.runtime_dir = folder.find('/') == std::string::npos ? concat(vms_dir(), '/', folder) : folder;
  spec.uds_path = options.uds.empty() ? concat(spec.runtime_dir, '/', vsock_socket) : options.uds;
  spec.identity.hostname = options.hostname;
  for (const std::string& text : options.ports) {
    auto port = parse_published_port(text);
    if (!port) return port.error();
    spec.ports.push_back(std::move(*port));
  }
  for (const std::string& text : options.env) {
    auto variable = parse_variable(text);
    if (!variable) return variable.error();
    spec.identity.env.insert_or_assign(variable->first, variable->second);
  }
  return spec;
}

int attach(const AttachOptions& options) {
  const auto spec = make_attach_spec(options);
  if (!spec) {
    log_error(spec.error().message);
    return to_status(ExitCode::usage);
  }
  loop::Loop loop;
  PipeObserver observer(STDOUT_FILENO);
  const Outcome outcome = run_attached(loop, *spec, observer);
  if (!outcome.message.empty()) log_error("cannot serve ", spec->name, ": ", outcome.message);
  return outcome.status;
}

void add_vm(CLI::App& app, Action& action) {
  const auto spec = std::make_shared<std::string>();
  const auto options = std::make_shared<AttachOptions>();
  CLI::App* vm = app.add_subcommand("vm", "Run one VM until it ends, or serve one that somebody else runs");
  vm->footer(
      "It prints its progress on stdout as lines of JSON and logs to stderr. SIGTERM and SIGINT shut the "
      "guest\n"
      "down in order, a second one ends it by force; with --attach they leave the guest alone. It exits with "
      "the\n"
      "guest's status; its own are 116 to 127.");
  vm->add_option("SPEC", *spec, "a vm.json, or - for standard input")->type_name("FILE");
  vm->add_option("--attach", options->folder,
                 "serve the guest of any VMM; DIR is to be its runtime folder, or the VM's name")
      ->type_name("DIR");
  vm->add_option("--uds", options->uds, "with --attach: the VMM's vsock socket (default: vsock.sock in DIR)")
      ->type_name("FILE");
  vm->add_option("-p,--publish", options->ports,
                 "with --attach: [ADDRESS:]HOST:GUEST, a port that leads into the guest")
      ->take_all()
      ->allow_extra_args(false);
  vm->add_option("-e,--env", options->env,
                 "with --attach: KEY=VALUE for the guest, or KEY to pass on one's own")
      ->take_all()
      ->allow_extra_args(false);
  vm->add_option("--hostname", options->hostname, "with --attach: the guest's host name");
  vm->callback([spec, options, &action] {
    if (spec->empty() == options->folder.empty())
      throw CLI::ValidationError("vm", "it takes either a SPEC or --attach DIR");
    action = [spec, options] { return options->folder.empty() ? run_from_spec(*spec) : attach(*options); };
  });
}

void add_serve(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ServeOptions>();
  CLI::App* serve = app.add_subcommand("serve", "The daemon: many VMs, behind one API");
  serve->footer(
      "Its state is in $KESTREL_STATE_DIR, /var/lib/kestrel for root, $XDG_STATE_HOME/kestrel otherwise.\n"
      "It may end at any moment, SIGTERM and SIGKILL included: VMs go on, and the next hostd finds them. "
      "Under\n"
      "systemd it takes the socket of its .socket unit, and says when it is ready.");
  serve->add_option("--socket", options->socket, "its Unix socket (default: hostd.sock beside the VMs)")
      ->type_name("FILE");
  serve
      ->add_option("--listen", options->listen,
                   "also over TCP, for who has the token; beyond loopback only with TLS")
      ->type_name("ADDRESS:PORT");
  serve
      ->add_option("--token-file", options->token_file,
                   "with --listen: where the token is, or is put (default: token in the state folder)")
      ->type_name("FILE");
  auto* const certificates =
      serve->add_option("--tls-cert", options->tls.certificates,
                        "with --listen: its certificate, and those of its authorities (PEM)");
  auto* const key =
      serve->add_option("--tls-key", options->tls.key, "with --listen: the certificate's key (PEM)");
  certificates->type_name("FILE")->needs("--listen")->needs(key);
  key->type_name("FILE")->needs(certificates);
  serve->callback([options, &action] {
    action = [options] {
      options->state_dir = state_dir();
      if (options->socket.empty()) options->socket = hostd_socket_path();
      options->surroundings = surroundings();
      return kestrel::hostd::serve(*options);
    };
  });
}

void add_commands(CLI::App& app, Action& action) {
  app.require_subcommand(1);
  app.set_version_flag("--version", "hostd " KESTREL_VERSION);
  add_serve(app, action);
  add_vm(app, action);
  vsock::add_vsock_command(app, action);
}

constexpr auto about = "The host's side of Kestrel: the daemon, and one process a VM.";

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
