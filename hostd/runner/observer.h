// Who watches a VM from the runner's own process: the terminal of `kestrelctl run`, or the pipe of a detached
// one.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "hostd/vm_machine.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

class RunnerObserver {
 public:
  RunnerObserver() = default;
  RunnerObserver(const RunnerObserver&) = delete;
  RunnerObserver& operator=(const RunnerObserver&) = delete;
  virtual ~RunnerObserver() = default;

  virtual void on_progress(Step step, Duration since_start) = 0;
  virtual void on_notice(std::string_view text) = 0;
  virtual void on_event(const wire::EventMessage& event) = 0;
  virtual void on_log(const wire::LogMessage& log) = 0;
  /// Lines that the guest had to drop before it could send them.
  virtual void on_lost_logs(std::uint64_t lines) = 0;
  /// `console` is the end of what the guest's console printed.
  virtual void on_finish(const Outcome& outcome, const std::deque<std::string>& console) = 0;
};

}  // namespace kestrel::hostd
