#include "kestrel/app/process_plan.h"

#include <unistd.h>

#include "kestrel/base/default_path.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/user_db.h"

namespace kestrel::app {

namespace {

PlanFailure failure(std::string stage, const Error& error) {
  return {std::move(stage), error.message, error.code};
}

/// What a process knows of its user. Root's is known without looking it up: images need no /etc/passwd.
void add_identity(const sys::Account& account, Environment& into) {
  into["HOME"] = account.home.empty() ? "/" : account.home;
  into["USER"] = account.name;
  into["LOGNAME"] = account.name;
  into["SHELL"] = account.shell.empty() ? "/bin/sh" : account.shell;
}

sys::Account root_account() {
  sys::Account account;
  account.name = "root";
  account.home = "/root";
  account.shell = "/bin/sh";
  return account;
}

/// Whose process it is: the configured user's, or that of whoever runs kestrel.
struct Identity {
  sys::Account account;
  bool is_configured = false;
};

bool names_identity(std::string_view variable) {
  return variable == "HOME" || variable == "USER" || variable == "LOGNAME" || variable == "SHELL";
}

Result<Environment> environment_for(const config::Model& model, const GuestEnvironment& environment,
                                    const Identity& identity,
                                    const std::vector<config::EnvironmentEntry>& own) {
  Environment out;
  out.emplace("PATH", default_path);
  add_identity(identity.account, out);
  for (const auto& [name, value] : environment.inherited) {
    if (!(identity.is_configured && names_identity(name))) out.insert_or_assign(name, value);
  }
  if (auto added = add_entries(model.environment, environment, out); !added) return added.error();
  if (auto added = add_entries(own, environment, out); !added) return added.error();
  return out;
}

void add_bounds(const config::Service& service, sys::ProcessSpec& spec) {
  const auto& limits = service.limits;
  spec.limits = {.open_files = limits.nofile,
                 .core = limits.core,
                 .oom_score_adj = limits.oom_score_adj,
                 .nice = limits.nice};
  spec.shared_limits = {.memory = limits.memory, .cpu = limits.cpu, .pids = limits.pids};
  if (service.security.capabilities) spec.capabilities = capability_set(*service.security.capabilities);
  spec.has_no_new_privileges = service.security.no_new_privileges;
}

ProcessPlan finish(sys::ProcessSpec spec, const config::Command& command) {
  auto program = sys::find_program(command.program, spec.envp);
  if (!program) return failure("exec", program.error());
  spec.program = std::move(*program);
  spec.argv.push_back(command.program);
  spec.argv.insert(spec.argv.end(), command.args.begin(), command.args.end());
  return spec;
}

}  // namespace

ProcessPlan plan_service(const config::Model& model, const config::Service& service,
                         const config::Command& command, const GuestEnvironment& environment) {
  sys::ProcessSpec spec;
  Identity identity{root_account(), service.user.has_value()};
  auto& account = identity.account;
  if (service.user) {
    auto found = sys::find_account("/", service.user->name, service.user->group);
    if (!found) return failure("user", found.error());
    account = std::move(*found);
    for (const auto& name : service.user->supplementary) {
      const auto group = sys::find_group("/", name);
      if (!group) return failure("user", group.error());
      account.groups.push_back(*group);
    }
    spec.uid = account.uid;
    spec.gid = account.gid;
    spec.groups = account.groups;
  }
  const auto variables = environment_for(model, environment, identity, service.environment);
  if (!variables) return failure("environment", variables.error());
  spec.envp = as_entries(*variables);
  if (!service.working_dir.empty()) spec.working_dir = service.working_dir;
  spec.umask = service.umask;
  add_bounds(service, spec);
  return finish(std::move(spec), command);
}

ProcessPlan plan_command(const config::Model& model, const config::Command& command,
                         const GuestEnvironment& environment) {
  const auto variables = environment_for(model, environment, {root_account(), false}, {});
  if (!variables) return failure("environment", variables.error());
  sys::ProcessSpec spec;
  spec.envp = as_entries(*variables);
  return finish(std::move(spec), command);
}

}  // namespace kestrel::app
