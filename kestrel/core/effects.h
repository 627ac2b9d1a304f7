// What the supervisor wants done. Imperative, plain values, in order; the edge does them and answers with
// events. An effect is never expected to succeed: where it fails, an event says so.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "kestrel/core/ids.h"
#include "kestrel/core/notice.h"

namespace kestrel::core {

/// Make the process of `subject`. Answered by ProcessStarted or ProcessFailedToStart.
struct SpawnProcess {
  RunId run;
  Subject subject;
  friend bool operator==(const SpawnProcess&, const SpawnProcess&) = default;
};

enum class Receiver { main_process, whole_containment };

/// Send a signal; where it is one that asks for the end, the edge sends CONT after it, so that a stopped
/// process hears it.
struct SignalProcess {
  RunId run;
  int signal = 0;
  Receiver receiver = Receiver::whole_containment;
  friend bool operator==(const SignalProcess&, const SignalProcess&) = default;
};

/// Let nothing of the run's containment survive.
struct KillProcesses {
  RunId run;
  friend bool operator==(const KillProcesses&, const KillProcesses&) = default;
};

/// Answered by ProbeFinished, unless cancelled before.
struct StartProbe {
  CheckId check;
  ProbeId probe;
  friend bool operator==(const StartProbe&, const StartProbe&) = default;
};
struct CancelProbe {
  ProbeId probe;
  friend bool operator==(const CancelProbe&, const CancelProbe&) = default;
};

struct Publish {
  Notice notice;
  friend bool operator==(const Publish&, const Publish&) = default;
};

/// From now on ServiceIds and CheckIds are those of the new model (Supervisor::model()). Probes under way
/// were cancelled.
struct AdoptModel {
  friend bool operator==(const AdoptModel&, const AdoptModel&) = default;
};

enum class PowerAction { shutdown, reboot };

/// How everything ended; the same words go to the host in `exiting`.
struct Outcome {
  int status = 0;
  int signal = 0;
  bool is_oom_kill = false;
  std::string cause;   ///< shutdown | batch | service | hook
  std::string reason;  ///< a line for people; may be empty
  PowerAction action = PowerAction::shutdown;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Nothing runs any more, and nothing will. The last effect ever.
struct Finish {
  Outcome outcome;
  friend bool operator==(const Finish&, const Finish&) = default;
};

using Effect = std::variant<SpawnProcess, SignalProcess, KillProcesses, StartProbe, CancelProbe, Publish,
                            AdoptModel, Finish>;

}  // namespace kestrel::core
