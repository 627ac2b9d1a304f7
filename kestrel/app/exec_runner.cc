#include "kestrel/app/exec_runner.h"

#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/sys/pty.h"

namespace kestrel::app {

namespace {

/// What most programs on a terminal can make use of, and every terminal understands.
constexpr std::string_view default_terminal = "xterm";

class RunningExec final : public control::LaunchedExec {
 public:
  RunningExec(ProcessTable& processes, ProcessId id) : processes_(&processes), id_(id) {}
  ~RunningExec() override { processes_->forget(id_); }

  void signal(int signal) override { processes_->signal_group(id_, signal); }
  void kill() override { processes_->kill_all(id_); }

 private:
  ProcessTable* processes_;
  ProcessId id_;
};

config::EnvironmentEntry variable(std::string name, std::string value) {
  return {.name = std::move(name), .source = config::Literal{std::move(value)}};
}

config::User user_of(const std::string& text) {
  config::User user;
  const auto colon = text.find(':');
  user.name = text.substr(0, colon);
  if (colon != std::string::npos) user.group = text.substr(colon + 1);
  return user;
}

/// What the kernel said, with the object that the stage was about.
wire::ExecFailure describe(const sys::SpawnFailure& failure, const wire::ExecRequest& request,
                           const std::string& program) {
  std::string what = concat("cannot start ", program, ", at stage ", sys::stage_name(failure.stage));
  if (failure.stage == sys::SpawnStage::exec) what = concat("cannot execute ", program);
  if (failure.stage == sys::SpawnStage::working_dir) what = concat("cannot enter ", request.working_dir);
  return {std::string(sys::stage_name(failure.stage)), errno_error(what, failure.error).message,
          failure.error};
}

void place(const control::ChildStdio& stdio, sys::ProcessSpec& spec) {
  if (!stdio.is_terminal) {
    spec.stdio = {stdio.input.get(), stdio.output.get(), stdio.error.get()};
    return;
  }
  spec.stdio.fill(stdio.input.get());
  spec.controls_terminal = true;
  sys::give_terminal(stdio.input.get(), spec.uid);
}

}  // namespace

ProcessPlan plan_exec(const config::Model& model, const wire::ExecRequest& request,
                      const GuestEnvironment& environment) {
  config::Service like;
  like.working_dir = request.working_dir;
  if (!request.user.empty()) like.user = user_of(request.user);
  if (request.has_terminal) like.environment.push_back(variable("TERM", std::string(default_terminal)));
  for (const auto& [name, value] : request.env) like.environment.push_back(variable(name, value));
  return plan_service(model, like, {.program = request.command, .args = request.args}, environment);
}

std::unique_ptr<control::LaunchedExec> ExecRunner::launch(const wire::ExecRequest& request,
                                                          const std::string& id,
                                                          const control::ChildStdio& stdio,
                                                          control::ExecCallbacks callbacks) {
  auto plan = plan_exec(surroundings_.model(), request, *surroundings_.environment);
  if (const auto* failure = std::get_if<PlanFailure>(&plan)) {
    callbacks.on_failed({failure->stage, failure->cause, failure->error});
    return nullptr;
  }
  auto spec = std::get<sys::ProcessSpec>(std::move(plan));
  place(stdio, spec);
  ProcessCallbacks told{
      .on_exec = [started = std::move(callbacks.on_started)](pid_t) { started(); },
      .on_exec_failed = [failed = callbacks.on_failed, request, program = spec.program](
                            sys::SpawnFailure failure) { failed(describe(failure, request, program)); },
      .before_end = {},
      .on_end =
          [ended = std::move(callbacks.on_end)](const ProcessEnd& end) {
            ended({{end.status.code, end.status.signal, end.is_oom_kill}, end.leaves_others});
          },
      .on_gone = std::move(callbacks.on_gone)};
  const ProcessId process = surroundings_.new_id();
  auto running = std::make_unique<RunningExec>(*surroundings_.processes, process);
  const auto made =
      surroundings_.processes->start(process, concat("@exec-", id), std::move(spec), std::move(told));
  if (made) return running;
  callbacks.on_failed({"fork", made.error().message, made.error().code});
  return nullptr;
}

}  // namespace kestrel::app
