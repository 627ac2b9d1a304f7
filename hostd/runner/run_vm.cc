#include "hostd/runner/run_vm.h"

#include <signal.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/loop/signal_watcher.h"

namespace kestrel::hostd {

namespace {

Outcome refuse(RunnerObserver& observer, ExitCode code, std::string message) {
  Outcome outcome{to_status(code), std::move(message), {}};
  observer.on_finish(outcome, {});
  return outcome;
}

/// Signals that mean: come to an end.
class StopSignals {
 public:
  StopSignals(loop::Loop& loop, Runner& runner, RunnerObserver& observer)
      : runner_(runner), observer_(observer) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      watchers_.emplace_back(loop, signal, [this, signal] { received(signal); });
    }
  }

 private:
  void received(int signal) {
    const bool is_first = ++count_ == 1;
    observer_.on_notice(
        is_first ? concat(signal_name(signal), ": shutting the guest down (again: end it by force)")
                 : concat(signal_name(signal), ": ending the VM by force"));
    static_cast<void>(
        runner_.stop(is_first ? StopRequested::Urgency::orderly : StopRequested::Urgency::immediate));
  }

  Runner& runner_;
  RunnerObserver& observer_;
  std::vector<loop::SignalWatcher> watchers_;
  int count_ = 0;
};

}  // namespace

Outcome run_vm(loop::Loop& loop, const VmSpec& spec, RunnerObserver& observer, const TscMeter& tsc,
               AfterEnd after) {
  if (const auto problems = problems_of(spec); !problems.empty()) {
    return refuse(observer, ExitCode::host_error, join(problems, "; "));
  }
  if (const auto checked = check_socket_paths(spec.runtime_dir); !checked) {
    return refuse(observer, ExitCode::host_error, checked.error().message);
  }
  auto dir = RuntimeDir::claim(spec.runtime_dir);
  if (!dir) {
    const bool is_running = dir.error().code == EBUSY;
    return refuse(observer, is_running ? ExitCode::name_in_use : ExitCode::host_error,
                  is_running ? concat("a VM named ", spec.name, " is running already") : dir.error().message);
  }
  Runner runner(loop, spec, std::move(*dir), observer, tsc);
  if (auto problem = runner.prepare()) {
    runner.close(AfterEnd::remove);
    observer.on_finish(*problem, {});
    return *std::move(problem);
  }
  const StopSignals signals(loop, runner, observer);
  runner.start();
  if (!runner.outcome()) loop.run();
  runner.close(after);
  return runner.outcome().value_or(
      Outcome{to_status(ExitCode::host_error), "the event loop came to an end", {}});
}

}  // namespace kestrel::hostd
