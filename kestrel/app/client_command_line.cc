// The subcommands that call a running kestrel: what may be written behind them.
#include <CLI/CLI.hpp>
#include <memory>

#include "kestrel/app/client_commands.h"
#include "kestrel/app/reload_command.h"
#include "kestrel/app/subcommands.h"
#include "kestrel/app/unix_address.h"
#include "kestrel/base/text.h"

namespace kestrel::app {

namespace {

/// What all of them take; each uses what it has options for.
struct Arguments {
  ClientOptions client;
  RecordOptions records;
  std::string address;
  std::string format;
  std::string service;
  std::string signal;
  std::string action;
  std::string file = default_config_path;
  bool is_dry_run = false;
  bool is_forced = false;
};

using Run = int (*)(const Arguments& arguments);

/// The options that all of them have. `run` is called after everything has been parsed.
std::shared_ptr<Arguments> add_common(CLI::App& command, Action& action, Run run) {
  const auto arguments = std::make_shared<Arguments>();
  command
      .add_option("--api", arguments->address, concat("Where kestrel listens; default ", default_api_path))
      ->type_name("unix:PATH")
      ->envname("KESTREL_API")
      ->check(unix_address_error);
  set_choice(*command.add_option("-o,--output", arguments->format, "For people or machines"),
             {"table", "json"});
  command.callback([arguments, &action, run] {
    if (!arguments->address.empty()) {
      arguments->client.api_path = arguments->address.substr(unix_scheme.size());
    }
    if (arguments->format == "json") arguments->client.format = OutputFormat::json;
    action = [arguments, run] { return run(*arguments); };
  });
  return arguments;
}

CLI::Option* add_service(CLI::App& command, Arguments& arguments) {
  return command.add_option("SERVICE", arguments.service, "Its name");
}

void add_status(CLI::App& command, Action& action) {
  const auto arguments = add_common(command, action, [](const Arguments& given) {
    return given.service.empty() ? show_services(given.client) : show_service(given.client, given.service);
  });
  command.add_option("SERVICE", arguments->service, "Only this one, with its checks and last ends");
}

void add_start(CLI::App& command, Action& action) {
  const auto arguments = add_common(command, action, [](const Arguments& given) {
    return change_service(given.client, ServiceVerb::start, given.service);
  });
  add_service(command, *arguments)->required();
}

void add_stop(CLI::App& command, Action& action) {
  const auto arguments = add_common(command, action, [](const Arguments& given) {
    return change_service(given.client, given.is_forced ? ServiceVerb::stop_by_force : ServiceVerb::stop,
                          given.service);
  });
  add_service(command, *arguments)->required();
  command.add_flag("--force", arguments->is_forced, "Stop what requires it, too, and first");
}

void add_restart(CLI::App& command, Action& action) {
  const auto arguments = add_common(command, action, [](const Arguments& given) {
    return change_service(given.client, ServiceVerb::restart, given.service);
  });
  add_service(command, *arguments)->required();
}

void add_signal(CLI::App& command, Action& action) {
  const auto arguments = add_common(command, action, [](const Arguments& given) {
    return signal_service(given.client, given.service, *parse_signal(given.signal));
  });
  add_service(command, *arguments)->required();
  command.add_option("SIGNAL", arguments->signal, "HUP, SIGHUP or 1")
      ->required()
      ->check([](const std::string& text) {
        return parse_signal(text) ? std::string() : concat("there is no signal ", printable(text));
      });
}

void add_reload(CLI::App& command, Action& action) {
  const auto arguments = add_common(command, action, [](const Arguments& given) {
    const auto mode = given.is_dry_run ? control::ReloadMode::dry_run : control::ReloadMode::apply;
    return reload_services(given.client, given.file, mode);
  });
  command.add_option("FILE", arguments->file, concat("The configuration; default ", default_config_path))
      ->type_name("FILE");
  command.add_flag("--dry-run", arguments->is_dry_run, "Only show what it would change");
}

void add_logs(CLI::App& command, Action& action) {
  const auto arguments = add_common(command, action, [](const Arguments& given) {
    RecordOptions records = given.records;
    records.service = given.service;
    return show_logs(given.client, records);
  });
  add_service(command, *arguments);
  command.add_flag("-f,--follow", arguments->records.follows, "Go on with what is printed from now on");
  command.add_option("-n,--lines", arguments->records.last, "Only the last so many")->type_name("N");
  command.add_option("--since", arguments->records.since, "From a time on, or from so long ago: 5m")
      ->type_name("TIME");
}

void add_events(CLI::App& command, Action& action) {
  const auto arguments = add_common(
      command, action, [](const Arguments& given) { return show_events(given.client, given.records); });
  command.add_flag("-f,--follow", arguments->records.follows, "Go on with what happens from now on");
  command.add_option("--after", arguments->records.after, "Only what came after the event of this number")
      ->type_name("N");
}

void add_health(CLI::App& command, Action& action) {
  add_common(command, action, [](const Arguments& given) { return show_health(given.client); });
}

void add_power(CLI::App& command, Action& action) {
  const auto arguments = add_common(
      command, action, [](const Arguments& given) { return change_power(given.client, given.action); });
  set_choice(*command.add_option("ACTION", arguments->action, "What to do")->required(),
             {"shutdown", "reboot"});
}

constexpr Subcommand subcommands[] = {
    {"status", "How the services are; status 1 if the named one is failed or unhealthy", add_status},
    {"start", "Start a service and what it requires", add_start},
    {"stop", "Stop a service", add_stop},
    {"restart", "Stop a service and start it again", add_restart},
    {"signal", "Send a signal to a service's main process", add_signal},
    {"reload", "Follow a changed configuration, touching only what changed", add_reload},
    {"logs", "What services have printed", add_logs},
    {"events", "What has happened", add_events},
    {"health", "How the guest is and why; status 1 if it is not healthy", add_health},
    {"power", "Shut down or reboot, in order", add_power},
};

}  // namespace

std::span<const Subcommand> client_subcommands() { return subcommands; }

}  // namespace kestrel::app
