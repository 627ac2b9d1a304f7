// The life of a service.
//
// Two things are kept apart for every service: what is *desired* of it (running or stopped; only operators,
// the configuration and the shutdown change that) and the *state* it is in. Nobody ever writes "now stop it":
// whoever wants something changes what is desired, and the machine moves the state towards it whenever an
// event, a deadline or a change in another service lets it.
//
//   Stopped ──desired──▶ Waiting ──gates open──▶ Starting ──ready──▶ Running
//                         ▲  ▲ │                    │                   │
//                         │  │ └─gate broken─▶ Blocked                  │ exit, or a reason to stop
//                 delay over │                      │                   ▼
//                  BackingOff ◀──── to be restarted ┴─────────────── Stopping ──▶ Stopped | Completed |
//                  Failed
//
// Waiting    It is to run and something it depends on is not there yet. "There" is judged by the dependency's
// state at this
//            very moment; that a dependency once was ready counts for nothing.
// Starting   A process was asked for; it counts as started once exec succeeded, as Running once it is ready.
// Running    The process runs and is ready. Health is a matter of its own (health.h) that lives only while
// this state does. Stopping   The run is coming to its end: either somebody wanted that, and the stop signal
// has been sent, or the main
//            process ended by itself and left others behind that are being killed. A service is not stopped
//            while any process of its containment lives. What follows is decided once, when the last one is
//            gone.
// BackingOff It ended and will be started again at a known moment.
// Completed  It ended well and is not to be started again: how jobs finish.
// Failed     It ended badly and will not be tried again unless an operator says so.
// Blocked    It is to run, but something it requires has failed for good; it waits again as soon as that
// changes.
//
// Each state carries just the data that has a meaning in it, its one deadline among them. A timer therefore
// cannot outlive the state it was set for, and there is nothing to cancel: the loop arms one timer for the
// earliest deadline of all. Events carry the RunId of the process they speak of; one of an earlier run
// matches no state and is dropped.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "kestrel/base/time.h"
#include "kestrel/core/events.h"
#include "kestrel/core/ids.h"

namespace kestrel::core {

/// Why a run is being ended.
enum class StopCause {
  desired,        ///< it is no longer desired to run
  restart,        ///< an operator asked for a restart
  dependency,     ///< a dependency with `restart: true` is going down
  unhealthy,      ///< a health check's action
  start_timeout,  ///< not ready in time
  own_exit,       ///< the main process ended by itself; what it left is cleaned up
};

struct Stopped {};

struct Waiting {
  std::string reason;  ///< what it waits for
};

struct Starting {
  RunId run;
  std::optional<int> pid;  ///< known once exec succeeded
  MonotonicTime began;
  std::optional<MonotonicTime> deadline;  ///< by when it must be ready
};

struct Running {
  RunId run;
  int pid = 0;
  MonotonicTime began;  ///< when the process was made, for uptime
};

struct Stopping {
  RunId run;
  StopCause cause = StopCause::desired;
  std::optional<int> pid;                 ///< while the main process lives
  MonotonicTime began;                    ///< when the process was made
  std::optional<Exit> exit;               ///< of the main process, once it ended
  bool has_others = true;                 ///< whether other processes may live
  std::optional<MonotonicTime> deadline;  ///< when everything is killed; unset once it was
};

struct BackingOff {
  MonotonicTime deadline;
  std::string reason;
};

struct Completed {};

struct Failed {
  std::string reason;
};

struct Blocked {
  std::string reason;
};

using State =
    std::variant<Stopped, Waiting, Starting, Running, Stopping, BackingOff, Completed, Failed, Blocked>;

}  // namespace kestrel::core
