// Whether, and when, a process that ended is started again. Pure policy: facts in, decision out.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "kestrel/base/time.h"
#include "kestrel/config/model.h"
#include "kestrel/core/events.h"
#include "kestrel/core/service_state.h"

namespace kestrel::core {

/// What a service remembers between runs. An operator's start begins it afresh.
struct RestartHistory {
  std::uint32_t failures = 0;           ///< ends in a row after less than `reset_after` of uptime
  std::vector<MonotonicTime> restarts;  ///< within the window, oldest first; empty where there is no budget
};

struct StartAgain {
  Duration delay{};
  std::string reason;
  friend bool operator==(const StartAgain&, const StartAgain&) = default;
};
struct Complete {
  friend bool operator==(const Complete&, const Complete&) = default;
};
struct Fail {
  std::string reason;
  friend bool operator==(const Fail&, const Fail&) = default;
};
/// The guest goes down with this run's status; the service itself completed or failed.
struct ShutDownGuest {
  std::string reason;
  bool is_success = false;
  friend bool operator==(const ShutDownGuest&, const ShutDownGuest&) = default;
};
using AfterEnd = std::variant<StartAgain, Complete, Fail, ShutDownGuest>;

/// 78 (EX_CONFIG of sysexits.h), 126 and 127 (a shell's "cannot execute" and "not found"): trying again
/// cannot help.
[[nodiscard]] bool is_configuration_error(const Exit& exit);

[[nodiscard]] bool is_success(const config::Service& service, const Exit& exit);

/// What an exit status looks like from outside: the code, or 128 + signal.
[[nodiscard]] int shell_status(const Exit& exit);

/// `exited with 3`, `killed by SIGKILL`, `killed: out of memory`; words of their own where that is not told.
[[nodiscard]] std::string describe(const Exit& exit);

/// The delay before the `failures`-th restart in a row (from 1). `spread` in [-1, 1] places it within the
/// jitter.
[[nodiscard]] Duration backoff_delay(const config::Backoff& backoff, std::uint32_t failures, double spread);

/// Decides, and records the decision in `history`. `spread` as above. Not for runs that ended because they
/// were no longer desired: those are just over.
[[nodiscard]] AfterEnd decide_after_end(const config::Service& service, const EndedRun& run,
                                        RestartHistory& history, MonotonicTime now, double spread);

}  // namespace kestrel::core
