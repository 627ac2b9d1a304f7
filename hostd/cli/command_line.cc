#include "hostd/cli/command_line.h"

#include <algorithm>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "hostd/cli/build_command.h"
#include "hostd/cli/console_command.h"
#include "hostd/cli/copy_command.h"
#include "hostd/cli/doctor.h"
#include "hostd/cli/exec_command_line.h"
#include "hostd/cli/fleet_command_line.h"
#include "hostd/cli/fleet_commands.h"
#include "hostd/cli/forward_command.h"
#include "hostd/cli/image_commands.h"
#include "hostd/cli/output_format.h"
#include "hostd/cli/pause_commands.h"
#include "hostd/cli/query_commands.h"
#include "hostd/cli/run_command.h"
#include "hostd/cli/timeline_command.h"
#include "hostd/cli/top_command.h"
#include "hostd/cli/vm_options.h"
#include "hostd/cli/volume_command_line.h"
#include "hostd/completion/describe.h"
#include "hostd/exit_status.h"

namespace kestrel::hostd {

namespace {

/// What was asked for; the chosen command sets it, and it runs after everything has been parsed.
using Action = std::function<int()>;

/// What completes the names of VMs and services.
std::map<std::string, std::string> name_sources() {
  return {{"VM", "kestrelctl list -q 2>/dev/null"},
          {"DEPLOYMENT", "kestrelctl deployments list -q 2>/dev/null"},
          {"IMAGE", "kestrelctl images list -q 2>/dev/null"},
          {"SERVICE", "kestrelctl services -q \"$vm\" 2>/dev/null"},
          {"VOLUME", "kestrelctl volumes list -q 2>/dev/null"}};
}

void add_run(CLI::App& app, RunOptions& options, Action& action) {
  CLI::App* run = app.add_subcommand("run", "Run one VM, in the foreground unless -d is given");
  run->add_option("IMAGE", options.vm.image,
                  "an installed image, a folder with a manifest.json, or an initramfs file")
      ->required();
  run->add_option("-n,--name", options.vm.name, "the VM's name (default: the image's)");
  run->add_option("-p,--publish", options.vm.ports,
                  "[ADDRESS:]HOST:GUEST, a port of the host that leads into the guest")
      ->take_all()
      ->allow_extra_args(false);
  run->add_option("--volume", options.vm.volumes,
                  "NAME:PATH:SIZE, a disk of that name, kept and made at its first use, mounted there")
      ->take_all()
      ->allow_extra_args(false);
  add_vm_options(*run, options);
  run->add_flag("-d,--detach", options.is_detached, "leave it running and print its name");
  run->add_option("--wait", options.wait, "with -d: when to return (default: healthy)")
      ->type_name("started|ready|healthy");
  run->add_option("--wait-timeout", options.wait_timeout,
                  "with -d: give up waiting after this long (default: 2m)");
  run->add_flag("-q,--quiet", options.is_quiet, "do not show the boot's progress");
  run->add_flag("--keep", options.keeps, "keep the logs when it has ended (with -d they are always kept)");
  run->callback([&] { action = [&] { return run_command(options); }; });
}

struct QueryOptions {
  std::string name;
  OutputFormat format = OutputFormat::table;
  LogOptions logs;
  StopOptions stop;
  bool is_quiet = false;
};

CLI::App* add_query(CLI::App& app, const char* command, const char* description, QueryOptions& options) {
  CLI::App* query = app.add_subcommand(command, description);
  query->add_option("NAME", options.name, "the VM")->required()->type_name("VM");
  return query;
}

/// Records come one by one, for which YAML has no use.
void add_record_format(CLI::App* command, OutputFormat& format) {
  const std::map<std::string, OutputFormat> formats = {{"table", OutputFormat::table},
                                                       {"json", OutputFormat::json}};
  command->add_option("-o,--output", format, "table by default")
      ->type_name("table|json")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""));
}

void add_follow(CLI::App* command, QueryOptions& options) {
  command->add_flag("-f,--follow", options.logs.follows, "go on until the VM ends");
  command->add_option("-n,--lines", options.logs.lines, "only the last so many");
  command->add_option("--after", options.logs.after,
                      "[RUNTIME_ID:]SEQ, go on behind the record of that number, of that run of the VM");
}

void add_logs(CLI::App& app, QueryOptions& options, Action& action) {
  CLI::App* logs = add_query(app, "logs", "What a guest's services print", options);
  add_record_format(logs, options.format);
  add_follow(logs, options);
  logs->add_option("-s,--service", options.logs.service, "only this service's")->type_name("SERVICE");
  logs->callback([&] { action = [&] { return logs_command(options.name, options.logs, options.format); }; });
}

void add_queries(CLI::App& app, QueryOptions& options, Action& action) {
  CLI::App* status = add_query(app, "status", "How a VM is, and how it booted", options);
  add_output_option(*status, options.format);
  status->callback([&] { action = [&] { return status_command(options.name, options.format); }; });

  CLI::App* services = add_query(app, "services", "A guest's services", options);
  add_output_option(*services, options.format);
  services->add_flag("-q,--quiet", options.is_quiet, "only their names");
  services->callback([&] {
    action = [&] {
      return options.is_quiet ? service_names_command(options.name)
                              : services_command(options.name, options.format);
    };
  });

  add_logs(app, options, action);

  CLI::App* events = add_query(app, "events", "What happened in a VM, or to all of hostd's", options);
  events->footer(
      "NAME is a VM, or `vms`, `services` or `deployments`: then it is what hostd tells of all of them, as\n"
      "lines of JSON.");
  add_record_format(events, options.format);
  add_follow(events, options);
  events->get_option("--follow")->description("go on: until the VM ends, or until it is interrupted");
  events->add_flag("--watch", options.logs.follows, "the same");
  events->callback([&] {
    action = [&] {
      if (!is_fleet_event_kind(options.name))
        return events_command(options.name, options.logs, options.format);
      return fleet_events_command({options.name, options.logs.after, options.logs.follows});
    };
  });

  CLI::App* stop = add_query(app, "stop", "Shut a VM down, and wait until it has ended", options);
  stop->add_flag("--force", options.stop.is_forced, "end it at once, without asking the guest");
  stop->add_flag("--rm", options.stop.removes, "remove the logs it leaves behind, too");
  stop->callback([&] { action = [&] { return stop_command(options.name, options.stop); }; });

  CLI::App* list = app.add_subcommand("list", "All VMs");
  list->alias("ls");
  add_output_option(*list, options.format);
  list->add_flag("-q,--quiet", options.is_quiet, "only their names");
  list->callback([&] {
    action = [&] { return options.is_quiet ? list_names_command() : list_command(options.format); };
  });
}

void add_metrics(CLI::App& app, QueryOptions& options, Action& action) {
  CLI::App* metrics = add_query(app, "metrics", "A guest's counters and gauges, for Prometheus", options);
  metrics->callback([&] { action = [&] { return metrics_command(options.name); }; });
}

void add_timeline(CLI::App& app, TimelineOptions& options, QueryOptions& query, Action& action) {
  CLI::App* timeline = add_query(app, "timeline", "How a guest's boot went", query);
  add_output_option(*timeline, query.format);
  timeline->add_flag("--svg", options.is_picture, "as a picture, on standard output");
  timeline->callback([&] {
    action = [&] {
      options.vm = query.name;
      options.format = query.format;
      return timeline_command(options);
    };
  });
}

void add_copy(CLI::App& app, CopyOptions& options, Action& action) {
  CLI::App* copy = app.add_subcommand("cp", "Copy files and trees into a guest, and out of it");
  copy->footer(
      "One side is VM:PATH, the other a path here, or - for a tar archive on standard input or output.\n"
      "A destination that is a folder is copied into; PATH/. means what is in a folder. Exits with 1 where\n"
      "not everything was copied.");
  copy->add_option("SOURCE", options.source, "a path, or - for an archive")
      ->required()
      ->type_name("[VM:]PATH");
  copy->add_option("DESTINATION", options.destination, "a path, or - for an archive")
      ->required()
      ->type_name("[VM:]PATH");
  copy->add_flag("-a,--archive", options.keeps_owners,
                 "keep owners, by number (default: root in guests, oneself here)");
  copy->add_flag("-L,--follow-link", options.follows_link, "copy what a SOURCE that is a symlink points to");
  copy->add_flag("--devices", options.takes_devices, "copy devices and named pipes, too");
  copy->add_flag("-q,--quiet", options.is_quiet, "show no progress");
  copy->callback([&] { action = [&] { return copy_command(options); }; });
}

void add_console(CLI::App& vms, QueryOptions& options, Action& action) {
  CLI::App* console = add_query(vms, "console", "What a guest's kernel prints", options);
  console->add_flag("-f,--follow", options.logs.follows, "go on until the VM ends");
  console->callback([&] { action = [&] { return console_command({options.name, options.logs.follows}); }; });
}

void add_forward(CLI::App& vms, QueryOptions& options, Action& action) {
  CLI::App* forward = add_query(vms, "forward", "Ports into a running VM, for as long as this runs", options);
  const auto ports = std::make_shared<std::vector<std::string>>();
  forward->add_option("PORT", *ports, "[ADDRESS:]HOST:GUEST; host port 0 picks a free one")->required();
  forward->callback([&, ports] { action = [&, ports] { return forward_command(options.name, *ports); }; });
}

/// The life of hostd's VMs, and the verbs about any that are not for every day.
void add_vms(CLI::App& app, QueryOptions& options, TopOptions& top_options, CopyOptions& copy_options,
             std::vector<std::string> exec_command, Action& action) {
  CLI::App* vms = app.add_subcommand("vms", "Make VMs and remove them, start and stop them, look at them");
  vms->require_subcommand(1);
  add_vm_commands(*vms, action);
  add_exec_commands(*vms, std::move(exec_command), action);
  add_logs(*vms, options, action);
  add_console(*vms, options, action);
  add_copy(*vms, copy_options, action);
  add_forward(*vms, options, action);
  CLI::App* top = vms->add_subcommand("top", "What services use, live");
  top->add_option("VM", top_options.names, "only these")->type_name("VM");
  top->add_flag("--once", top_options.is_once, "show it once");
  top->add_option("--interval", top_options.interval, "between two looks (default: 1s)");
  add_output_option(*top, options.format);
  top->callback([&] {
    action = [&] {
      top_options.format = options.format;
      return top_command(top_options);
    };
  });
  CLI::App* pause = add_query(*vms, "pause", "Let a VM stand still", options);
  add_output_option(*pause, options.format);
  pause->callback([&] { action = [&] { return pause_command(options.name, options.format); }; });
  CLI::App* resume = add_query(*vms, "resume", "Let it go on, with its clock set right", options);
  add_output_option(*resume, options.format);
  resume->callback([&] { action = [&] { return resume_command(options.name, options.format); }; });
}

void add_completion(CLI::App& app, std::string& shell, Action& action) {
  CLI::App* completion =
      app.add_subcommand("completion", "Print the script that completes this command line");
  completion->footer(
      "bash: source <(kestrelctl completion bash)\n"
      "zsh:  kestrelctl completion zsh >~/.zfunc/_kestrelctl, a folder in $fpath\n"
      "fish: kestrelctl completion fish >~/.config/fish/completions/kestrelctl.fish");
  completion->add_option("SHELL", shell, "which one")
      ->required()
      ->type_name("bash|zsh|fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  completion->callback([&] {
    action = [&] {
      std::fputs(completion::script_for(shell, completion::describe(app, name_sources())).value().c_str(),
                 stdout);
      return 0;
    };
  });
}

void add_others(CLI::App& app, Action& action) {
  app.add_subcommand("doctor", "What this machine lacks, and how to get it")->callback([&] {
    action = doctor_command;
  });
  app.add_subcommand("version", "This program's version")->callback([&] {
    action = [] {
      std::puts("kestrelctl " KESTREL_VERSION);
      return 0;
    };
  });
}

/// The program's whole command line.
struct CommandLine {
  CLI::App app{"Boots virtual machines from images, talks to them, and shuts them down.", "kestrelctl"};
  Action action;
  RunOptions run;
  QueryOptions query;
  CopyOptions copy;
  TopOptions top;
  TimelineOptions timeline;
  std::string shell;

  explicit CommandLine(std::vector<std::string> exec_command) {
    app.require_subcommand(1);
    app.set_version_flag("--version", "kestrelctl " KESTREL_VERSION);
    app.footer(
        "A VM's runtime folder is $KESTREL_RUNTIME_DIR/vms/NAME, /run/kestrel/vms/NAME for root,\n"
        "$XDG_RUNTIME_DIR/kestrel/vms/NAME otherwise. `run` exits with the guest's status; its own are 116 "
        "to "
        "127.");
    add_run(app, run, action);
    add_queries(app, query, action);
    add_exec_commands(app, exec_command, action);
    add_metrics(app, query, action);
    add_timeline(app, timeline, query, action);
    add_vms(app, query, top, copy, std::move(exec_command), action);
    add_volume_commands(app, action);
    add_deployment_commands(app, action);
    add_copy(app, copy, action);
    add_build_command(app, action);
    add_image_commands(app, action);
    add_completion(app, shell, action);
    add_others(app, action);
  }
};

}  // namespace

completion::Program describe_command_line() {
  return completion::describe(CommandLine({}).app, name_sources());
}

int run_command_line(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  CommandLine command_line(take_exec_command(words));
  CLI::App& app = command_line.app;
  try {
    std::reverse(words.begin(), words.end());  // as parse() wants them
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : to_status(ExitCode::usage);
  }
  return command_line.action();
}

}  // namespace kestrel::hostd
