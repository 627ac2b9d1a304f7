// What `kestrelctl run` shows: the steps of the boot on stderr, then the guest's logs on stdout, and at the
// end why it ended. On a terminal the steps are one line that grows; elsewhere each is a line.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "hostd/cli/terminal.h"
#include "hostd/runner/observer.h"
#include "hostd/vm_spec.h"

namespace kestrel::hostd {

enum class Verbosity { quiet, normal };

class RunView final : public RunnerObserver {
 public:
  /// Where to show it, as descriptors.
  struct Outputs {
    int logs = STDOUT_FILENO;
    int steps = STDERR_FILENO;
  };
  RunView(loop::Loop& loop, const VmSpec& spec, Verbosity verbosity)
      : RunView(loop, spec, verbosity, Outputs{}) {}
  RunView(loop::Loop& loop, const VmSpec& spec, Verbosity verbosity, Outputs outputs);

  void on_progress(Step step, Duration since_start) override;
  void on_notice(std::string_view text) override;
  void on_event(const wire::EventMessage& event) override;
  void on_log(const wire::LogMessage& log) override;
  void on_lost_logs(std::uint64_t lines) override;
  void on_finish(const Outcome& outcome, const std::deque<std::string>& console) override;

 private:
  void print(std::string_view line);
  void show_live_line();
  void hide_live_line();
  void drop_live_line();
  void end_live_line();

  const VmSpec& spec_;
  Verbosity verbosity_;
  Terminal out_;
  Terminal err_;
  std::vector<std::string> steps_;
  bool is_live_line_shown_ = false;
};

/// `[  0.42s] the kernel runs`.
[[nodiscard]] std::string format_step(Step step, Duration since_start);

}  // namespace kestrel::hostd
