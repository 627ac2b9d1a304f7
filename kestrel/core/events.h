// What the world tells the supervisor. Past tense, plain values; the edge (app/effect_runner) makes them.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "kestrel/base/time.h"
#include "kestrel/core/ids.h"

namespace kestrel::core {

/// How a process ended; signal == 0 means that it exited with `code`.
struct Exit {
  int code = 0;
  int signal = 0;
  bool is_oom_kill = false;
  bool is_untold = false;  ///< another process waited for it and knows how; here it counts as an exit with 0
  friend bool operator==(const Exit&, const Exit&) = default;
};

/// exec succeeded: the program runs.
struct ProcessStarted {
  RunId run;
  int pid = 0;
};

/// There is no process: it could not be made or could not exec. Follows SpawnProcess instead of
/// ProcessStarted.
struct ProcessFailedToStart {
  RunId run;
  std::string stage;  ///< `exec`, `user`, `working_dir`, …
  std::string cause;  ///< in words
  int error = 0;      ///< errno; 0 where the cause is not an errno
};

/// The main process ended. Others of its containment may still live: then ProcessesGone follows when they do
/// not.
struct ProcessExited {
  RunId run;
  Exit exit;
  bool leaves_others = false;
};

/// The last process of the containment is gone.
struct ProcessesGone {
  RunId run;
};

/// The program said that it is ready, in the way its `ready` asks for.
struct ReadinessReported {
  RunId run;
};
/// It can never say so any more, e.g. it closed its notification descriptor.
struct ReadinessRuledOut {
  RunId run;
  std::string reason;
};

/// A message of the sd_notify protocol (sd_notify(3)), from a process of the run's own containment.
struct Notified {
  RunId run;
  bool is_ready = false;               ///< READY=1
  bool is_alive = false;               ///< WATCHDOG=1
  bool gives_up = false;               ///< WATCHDOG=trigger
  std::optional<std::string> status;   ///< STATUS=
  std::optional<int> main_pid;         ///< MAINPID=, checked to be of the containment
  std::optional<Duration> watchdog;    ///< WATCHDOG_USEC=; zero turns it off
  std::optional<Duration> extends_by;  ///< EXTEND_TIMEOUT_USEC=
};

struct ProbeFinished {
  CheckId check;
  ProbeId probe;
  bool is_ok = false;
  std::string message;
};

/// Somebody set the wall clock.
struct ClockWasSet {};

/// Time has passed in which nothing could run: no deadline is to be judged by it. What was under way may have
/// lost its peers.
struct TimeWasLost {
  Duration by{};  ///< zero: the clock of the deadlines stood still, too
};

/// The host paused the guest, and it goes on. Follows TimeWasLost.
struct Resumed {};

/// Time has come to or past Supervisor::next_deadline().
struct DeadlinePassed {};

using Event = std::variant<ProcessStarted, ProcessFailedToStart, ProcessExited, ProcessesGone,
                           ReadinessReported, ReadinessRuledOut, Notified, ProbeFinished, ClockWasSet,
                           TimeWasLost, Resumed, DeadlinePassed>;

}  // namespace kestrel::core
