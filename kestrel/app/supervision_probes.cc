// The probes that health asks for, and the processes of those that are commands.
#include "kestrel/app/supervision.h"
#include "kestrel/base/text.h"

namespace kestrel::app {

/// Makes the processes of one check's probes.
class Supervision::ProbeLauncher final : public probes::ProcessLauncher {
 public:
  ProbeLauncher(Supervision& supervision, std::optional<core::ServiceId> owner)
      : supervision_(&supervision), owner_(owner) {}
  Result<std::unique_ptr<probes::LaunchedProcess>> launch(
      const config::Command& command, std::function<void(sys::ExitStatus)> on_exit) override {
    return supervision_->launch_probe(owner_, command, std::move(on_exit));
  }

 private:
  Supervision* supervision_;
  std::optional<core::ServiceId> owner_;
};

void Supervision::perform(const core::StartProbe& effect) {
  const auto done = [this, effect](const probes::ProbeResult& result) {
    // The probe is what calls; it goes when it has returned.
    const auto ended = probing_.extract(effect.probe);
    post(core::ProbeFinished{effect.check, effect.probe, result.is_ok, result.message});
  };
  ProbeLauncher launcher(*this, supervisor_.owner(effect.check));
  probing_.emplace(effect.probe, probes::start_probe(*loop_, supervisor_.definition(effect.check).probe,
                                                     {.launcher = &launcher}, done));
}

void Supervision::perform(const core::CancelProbe& effect) { probing_.erase(effect.probe); }

class Supervision::LaunchedProbe final : public probes::LaunchedProcess {
 public:
  LaunchedProbe(ProcessTable& processes, ProcessId id, sys::UniqueFd output)
      : probes::LaunchedProcess(std::move(output)), processes_(&processes), id_(id) {}
  ~LaunchedProbe() override { processes_->forget(id_); }

 private:
  ProcessTable* processes_;
  ProcessId id_;
};

Result<std::unique_ptr<probes::LaunchedProcess>> Supervision::launch_probe(
    std::optional<core::ServiceId> owner, const config::Command& command,
    std::function<void(sys::ExitStatus)> on_exit) {
  const auto& model = supervisor_.model();
  auto plan = owner ? plan_service(model, supervisor_.definition(*owner), command, options_.environment)
                    : plan_command(model, command, options_.environment);
  if (const auto* failure = std::get_if<PlanFailure>(&plan)) return Error{failure->cause, failure->error};
  auto spec = std::get<sys::ProcessSpec>(std::move(plan));
  // A service at its limits shall still be judged.
  spec.limits = {};
  spec.shared_limits = {};
  auto pipe = open_capture_pipe();
  if (!pipe) return pipe.error();
  spec.stdio = {-1, pipe->writer.get(), pipe->writer.get()};
  const ProcessId process{++last_process_};
  ProcessCallbacks callbacks{.on_exec = {},
                             .on_exec_failed = [on_exit](sys::SpawnFailure) { on_exit({.code = 127}); },
                             .before_end = {},
                             .on_end = [on_exit](const ProcessEnd& end) { on_exit(end.status); },
                             .on_gone = {}};
  auto started =
      processes_.start(process, concat("@probe-", process.value), std::move(spec), std::move(callbacks));
  if (!started) return started.error();
  return std::unique_ptr<probes::LaunchedProcess>(
      new LaunchedProbe(processes_, process, std::move(pipe->reader)));
}

}  // namespace kestrel::app
