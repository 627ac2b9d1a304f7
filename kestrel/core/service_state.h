// The life of a service.
//
// Two things are kept apart for every service: what is *desired* of it (running or stopped; only operators,
// the configuration and the shutdown change that) and the *state* it is in. Nobody ever writes "now stop it":
// whoever wants something changes what is desired, and the machine moves the state towards it whenever an
// event, a deadline or a change in another service lets it.
//
//   Stopped ──desired──▶ Waiting ──gates open──▶ PreparingStart ──▶ Starting ──ready──▶ FinishingStart ──▶
//   Running
//                             ▲  ▲ │              (pre_start)                            (post_start) │
//                  delay over │  │ └─gate broken─▶ Blocked                exit, or a reason to stop │
//                    BackingOff ◀─ to be restarted ┐                                                  ▼
//                                                  ┴── CleaningUp ◀── all are gone ── Stopping ◀──
//                                                  PreparingStop
//                      Stopped | Completed | Failed ┘   (post_stop) (pre_stop)
//
// Waiting        It is to run and something it depends on is not there yet. "There" is judged by the
// dependency's state at
//                this very moment; that a dependency once was ready counts for nothing.
// Scheduled      Runs of it are due at known times of the wall clock. They are instances of their own, see
// below. PreparingStart Its pre_start hooks run, one after another; there is no process of its own yet.
// Starting       A process was asked for; it counts as started once exec succeeded, and goes on once it is
// ready. FinishingStart It is ready and its post_start hooks run. Running        The process runs and is
// ready. Health is a matter of its own (health.h) that lives only while this state
//                does. So is the watchdog, which a process asks for itself.
// PreparingStop  It is to end, and its pre_stop hooks run while it still does its work.
// Stopping       The run is coming to its end: either somebody wanted that, and the stop signal has been
// sent, or the main
//                process ended by itself and left others behind that are being killed. A service is not
//                stopped while any process of its containment lives.
// CleaningUp     The run is over and its post_stop hooks run. What follows is decided when they are done.
// BackingOff     It ended and will be started again at a known moment.
// Completed      It ended well and is not to be started again: how jobs finish.
// Failed         It ended badly and will not be tried again unless an operator says so.
// Blocked        It is to run, but something it requires has failed for good; it waits again as soon as that
// changes.
//
// A service with a schedule never runs itself. It is Scheduled, and each time it is due, or an operator asks,
// it begins an *instance*: an entry like a service's, with the same definition and a life, deadlines and
// restarts of its own, which is forgotten when it has come to its end. How many there may be is for
// `concurrency` to say: `forbid` begins none while there is one; with `replace` the next waits until the one
// before is gone; `allow` lets them run side by side. What is desired of the service is desired of each
// instance, and what the API shows of it sums them up.
//
// The API shows fewer names: both states before Running are `starting`, the three behind it `stopping`, and
// Scheduled is `waiting`. States whose hook list is empty are passed through without being entered.
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
  replaced,       ///< its schedule is due again and the next instance replaces this one
  unhealthy,      ///< a health check's action
  watchdog,       ///< no sign of life in the time it promised
  start_timeout,  ///< not ready in time
  start_failed,   ///< a hook of its start failed, or it can never become ready
  own_exit,       ///< the main process ended by itself; what it left is cleaned up
};

/// A run that is over, as far as decisions need it.
struct EndedRun {
  StopCause cause = StopCause::own_exit;
  Exit exit;
  Duration uptime{};
  std::string reason;  ///< where the cause does not say it all
};

/// A hook under way.
struct HookRun {
  HookKind kind = HookKind::pre_start;
  std::uint32_t index = 0;
  RunId run;
  MonotonicTime deadline;
  std::string program;  ///< for messages; a reload may have changed the list it stood in
  /// How its process ended; it is done when nothing of its containment is left either.
  std::optional<Exit> exit;
  bool has_timed_out = false;
};

/// The main process.
struct Process {
  RunId run;
  std::optional<int> pid;  ///< known once exec succeeded, forgotten once it ended
  MonotonicTime began;     ///< when it was asked for
};

struct Stopped {};

struct Waiting {
  std::string reason;  ///< what it waits for
};

struct Scheduled {
  WallTime at;
  /// When to look at the wall clock again: it may be stepped, so that is never far.
  MonotonicTime deadline;
};

struct PreparingStart {
  HookRun hook;
};

struct Starting {
  Process process;
  std::optional<MonotonicTime> deadline;  ///< by when it must be ready
};

struct FinishingStart {
  Process process;
  HookRun hook;
};

struct Running {
  Process process;
  std::optional<MonotonicTime> deadline;  ///< of the watchdog
};

struct PreparingStop {
  Process process;
  StopCause cause = StopCause::desired;
  std::string reason;
  HookRun hook;
};

struct Stopping {
  Process process;
  StopCause cause = StopCause::desired;
  std::string reason;
  std::optional<Exit> exit;               ///< of the main process, once it ended
  bool has_others = true;                 ///< whether other processes may live
  std::optional<MonotonicTime> deadline;  ///< when everything is killed; unset once it was
};

struct CleaningUp {
  EndedRun ended;
  HookRun hook;
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

using State = std::variant<Stopped, Waiting, Scheduled, PreparingStart, Starting, FinishingStart, Running,
                           PreparingStop, Stopping, CleaningUp, BackingOff, Completed, Failed, Blocked>;

// Questions about a state, asked in several places.

/// The main process the state has, alive or ending.
[[nodiscard]] const Process* process_of(const State& state);
[[nodiscard]] Process* process_of(State& state);
[[nodiscard]] const HookRun* hook_of(const State& state);
[[nodiscard]] HookRun* hook_of(State& state);
[[nodiscard]] std::optional<MonotonicTime> deadline_of(const State& state);
/// Whether processes exist, the main one or a hook's.
[[nodiscard]] bool is_active(const State& state);
/// On its way up, or up.
[[nodiscard]] bool is_up(const State& state);
/// Whether the run is on its way down.
[[nodiscard]] bool is_ending(const State& state);

}  // namespace kestrel::core
