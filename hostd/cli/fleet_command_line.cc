#include "hostd/cli/fleet_command_line.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "hostd/cli/fleet_commands.h"
#include "hostd/cli/vm_options.h"

namespace kestrel::hostd {

namespace {

using Action = std::function<int()>;
using VmCommand = int (*)(const VmCommandOptions& options);
using DeploymentCommand = int (*)(const DeploymentOptions& options);

// --- vms --------------------------------------------------------------------------------------------------

struct VmSubcommand {
  CLI::App* app;
  std::shared_ptr<VmCommandOptions> options;
};

VmSubcommand add_vm_command(CLI::App& vms, Action& action, const char* name, const char* description,
                            VmCommand command) {
  VmSubcommand added{vms.add_subcommand(name, description), std::make_shared<VmCommandOptions>()};
  added.app->callback([options = added.options, &action, command] {
    action = [options, command] { return command(*options); };
  });
  return added;
}

VmSubcommand add_named(CLI::App& vms, Action& action, const char* name, const char* description,
                       VmCommand command) {
  const VmSubcommand added = add_vm_command(vms, action, name, description, command);
  added.app->add_option("NAME", added.options->name, "the VM")->required()->type_name("VM");
  return added;
}

void add_force(const VmSubcommand& command, const char* description) {
  command.app->add_flag("-f,--force", command.options->is_forced, description);
}

void add_goal(const VmSubcommand& command, const char* option) {
  command.app->add_option(option, command.options->goal, "until when (default: healthy)")
      ->type_name("started|ready|healthy|stopped");
  command.app->add_option("--timeout", command.options->patience,
                          "give up waiting after this long (default: 2m)");
}

void add_create(CLI::App& vms, Action& action) {
  const auto options = std::make_shared<RunOptions>();
  const auto does_not_start = std::make_shared<bool>(false);
  CLI::App* create = vms.add_subcommand("create", "Make a VM of hostd's, and start it");
  create->add_option("NAME", options->vm.name, "what it is to be called")->required();
  create
      ->add_option("-i,--image,--plugin", options->vm.image,
                   "what it boots from: an installed image, or a path")
      ->required()
      ->type_name("IMAGE");
  create
      ->add_option("-p,--publish", options->vm.ports,
                   "[ADDRESS:]HOST:GUEST, a port of the host that leads into the guest")
      ->take_all()
      ->allow_extra_args(false);
  create
      ->add_option("--volume", options->vm.volumes,
                   "NAME:PATH:SIZE, a disk of that name, kept and made at its first use, mounted there")
      ->take_all()
      ->allow_extra_args(false);
  add_vm_options(*create, *options);
  create->add_flag("--no-start", *does_not_start, "only make it");
  create->add_option("--wait", options->wait, "when to return (default: healthy)")
      ->type_name("none|started|ready|healthy");
  create->add_option("--wait-timeout", options->wait_timeout,
                     "give up waiting after this long (default: 2m)");
  create->callback([options, does_not_start, &action] {
    action = [options, does_not_start] { return create_vm_command(*options, !*does_not_start); };
  });
}

// --- deployments ------------------------------------------------------------------------------------------

struct DeploymentSubcommand {
  CLI::App* app;
  std::shared_ptr<DeploymentOptions> options;
};

DeploymentSubcommand add_deployment_command(CLI::App& deployments, Action& action, const char* name,
                                            const char* description, DeploymentCommand command) {
  DeploymentSubcommand added{deployments.add_subcommand(name, description),
                             std::make_shared<DeploymentOptions>()};
  added.app->callback([options = added.options, &action, command] {
    action = [options, command] { return command(*options); };
  });
  return added;
}

DeploymentSubcommand add_named(CLI::App& deployments, Action& action, const char* name,
                               const char* description, DeploymentCommand command) {
  const auto added = add_deployment_command(deployments, action, name, description, command);
  added.app->add_option("NAME", added.options->name, "the deployment")->required()->type_name("DEPLOYMENT");
  return added;
}

void add_wait(const DeploymentSubcommand& command, const char* description) {
  command.app->add_flag("--wait", command.options->waits, description);
  command.app->add_option("--timeout", command.options->patience,
                          "with --wait: give up after this long (default: 5m)");
}

/// What describes its VMs.
void add_template(const DeploymentSubcommand& command) {
  command.app->add_option("-i,--image,--plugin", command.options->run.vm.image, "what its VMs boot from")
      ->type_name("IMAGE");
  add_vm_options(*command.app, command.options->run);
}

void add_file(const DeploymentSubcommand& command, const char* description) {
  command.app->add_option("-f,--file", command.options->file, description)->type_name("FILE");
}

void add_replicas(const DeploymentSubcommand& command, const char* description) {
  command.app->add_option("-r,--replicas", command.options->replicas, description);
}

void add_create_deployment(CLI::App& deployments, Action& action) {
  const auto create = add_deployment_command(
      deployments, action, "create", "Make a deployment from a file or options", create_deployment_command);
  create.app->footer(
      "A file is a JSON object: {\"name\": \"api\", \"image\": \"user-api\", \"replicas\": 3}, and whatever "
      "else\n"
      "docs/deployments.md lists. Options win over the file.");
  add_file(create, "the deployment as JSON, or - for standard input");
  create.app->add_option("-n,--name", create.options->name, "what it is to be called");
  add_replicas(create, "how many VMs (default: 1)");
  create.app
      ->add_option("-p,--publish", create.options->publish,
                   "[ADDRESS:]HOST:GUEST, a port of the host that leads to the healthy ones in turn")
      ->take_all()
      ->allow_extra_args(false);
  add_template(create);
  add_wait(create, "return when all are healthy");
}

}  // namespace

void add_vm_commands(CLI::App& vms, Action& action) {
  add_create(vms, action);
  const auto list = add_vm_command(vms, action, "list", "All VMs of hostd's", list_vms_command);
  list.app->alias("ls");
  add_output_option(*list.app, list.options->format);
  list.app->add_flag("-q,--quiet", list.options->is_quiet, "only their names");
  const auto get = add_named(vms, action, "get", "How a VM is", get_vm_command);
  add_output_option(*get.app, get.options->format);
  add_goal(add_named(vms, action, "start", "Start a VM that does not run", start_vm_command), "--wait");
  add_force(add_named(vms, action, "stop", "Shut a VM down, and wait until it has ended", stop_vm_command),
            "end it at once, without asking the guest");
  const auto restart = add_named(vms, action, "restart", "Stop it, and start it again", restart_vm_command);
  add_force(restart, "end it at once, without asking the guest");
  add_goal(restart, "--wait");
  const auto remove =
      add_named(vms, action, "delete", "Remove a VM that does not run, with its logs", delete_vm_command);
  remove.app->alias("rm");
  add_force(remove, "end it by force if it runs");
  add_goal(add_named(vms, action, "wait", "Wait until a VM has come somewhere", wait_vm_command), "--for");
}

void add_deployment_commands(CLI::App& app, Action& action) {
  CLI::App* deployments =
      app.add_subcommand("deployments", "VMs in numbers: replaced, scaled, updated one by one");
  deployments->require_subcommand(1);
  add_create_deployment(*deployments, action);
  const auto list =
      add_deployment_command(*deployments, action, "list", "All deployments", list_deployments_command);
  list.app->alias("ls");
  add_output_option(*list.app, list.options->format);
  list.app->add_flag("-q,--quiet", list.options->is_quiet, "only their names");
  const auto get = add_named(*deployments, action, "get", "A deployment and its VMs", get_deployment_command);
  add_output_option(*get.app, get.options->format);
  const auto scale =
      add_named(*deployments, action, "scale", "Have more or fewer VMs", scale_deployment_command);
  add_replicas(scale, "how many");
  scale.app->get_option("--replicas")->required();
  add_wait(scale, "return when all are healthy");
  const auto update =
      add_named(*deployments, action, "update", "Replace its VMs by others, one by one as they get healthy",
                update_deployment_command);
  add_file(update, "what is to change, as JSON, or - for standard input");
  add_replicas(update, "how many VMs");
  add_template(update);
  add_wait(update, "return when all are replaced; fails where the update is taken back");
  const auto remove = add_named(*deployments, action, "delete", "Stop and remove its VMs, and then itself",
                                delete_deployment_command);
  remove.app->alias("rm");
  add_wait(remove, "return when it is gone");
}

}  // namespace kestrel::hostd
