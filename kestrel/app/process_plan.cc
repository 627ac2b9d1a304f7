#include "kestrel/app/process_plan.h"

#include <unistd.h>

#include "kestrel/base/text.h"
#include "kestrel/sys/user_db.h"

namespace kestrel::app {

namespace {

constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

struct Base {
  const config::Model* model;
  const GuestEnvironment* environment;
};

Result<Environment> environment_for(const Base& base, const sys::Account* account,
                                    const std::vector<config::EnvironmentEntry>* own) {
  Environment out;
  out.emplace("PATH", default_path);
  // Outside a VM and without a user of its own, a process is whoever kestrel is, and inherits how that one is
  // called.
  if (account) add_identity(*account, out);
  const bool is_other_user =
      account && base.environment->inherited.contains("USER") && account->name != "root";
  for (const auto& [name, value] : base.environment->inherited) {
    const bool is_identity = name == "HOME" || name == "USER" || name == "LOGNAME" || name == "SHELL";
    if (!(is_other_user && is_identity)) out.insert_or_assign(name, value);
  }
  if (auto added = add_entries(base.model->environment, *base.environment, out); !added) return added.error();
  if (own) {
    if (auto added = add_entries(*own, *base.environment, out); !added) return added.error();
  }
  return out;
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
                         const GuestEnvironment& environment) {
  sys::ProcessSpec spec;
  auto account = root_account();
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
  const auto variables = environment_for({&model, &environment}, &account, &service.environment);
  if (!variables) return failure("environment", variables.error());
  spec.envp = as_entries(*variables);
  if (!service.working_dir.empty()) spec.working_dir = service.working_dir;
  spec.umask = service.umask;
  return finish(std::move(spec), service.command);
}

ProcessPlan plan_command(const config::Model& model, const config::Command& command,
                         const GuestEnvironment& environment) {
  const auto account = root_account();
  const auto variables = environment_for({&model, &environment}, &account, nullptr);
  if (!variables) return failure("environment", variables.error());
  sys::ProcessSpec spec;
  spec.envp = as_entries(*variables);
  return finish(std::move(spec), command);
}

}  // namespace kestrel::app
