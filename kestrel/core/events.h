// What the world tells the supervisor. Past tense, plain values; the edge (app/effect_runner) makes them.
#pragma once

#include <string>
#include <variant>

#include "kestrel/core/ids.h"

namespace kestrel::core {

/// How a process ended; signal == 0 means that it exited with `code`.
struct Exit {
  int code = 0;
  int signal = 0;
  bool is_oom_kill = false;
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

struct ProbeFinished {
  CheckId check;
  ProbeId probe;
  bool is_ok = false;
  std::string message;
};

/// Time has come to or past Supervisor::next_deadline().
struct DeadlinePassed {};

using Event = std::variant<ProcessStarted, ProcessFailedToStart, ProcessExited, ProcessesGone, ProbeFinished,
                           DeadlinePassed>;

}  // namespace kestrel::core
