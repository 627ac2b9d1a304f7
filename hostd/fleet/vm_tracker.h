// How hostd follows one VM, as decisions: events and the time go in, effects come out. No clock, no I/O.
//
//             ┌────────────── Resting ◄───────────────────┐
//     started │                  ▲ concluded              │
//             ▼                  │                        │
//          Looking ──answers──► Attached ──ends──► Closing
//             │  ▲               │                        ▲
//    too long ▼  └── answers ────▼ broke off, still locked│
//          Unreachable ◄─────────┘ ───────── lock free ───┘
//
// A VM belongs to its *runner*, a process that needs no hostd. Whether that lives is told by the lock on the
// VM's runtime folder, which it holds for as long as it lives; what the VM does is told by the runner itself.
// So what nobody answers for is not dead: with its lock held it is *Unreachable*, which users see as
// `unknown`, and nothing of it is touched.
//
// *Resting*: no run. *Looking*: a runner was started, or may be there since before this hostd. *Attached*: it
// answers, and its records are followed. *Closing*: the run is over; the lock has to be free and all that it
// left behind has to be in the registry before the VM rests.
//
// A stop has three steps of growing force with a deadline each: the runner is asked to shut the guest down,
// is told to end it, is killed, which ends the VMM with it. The runner bounds the first two by itself; the
// deadlines here are for one that hangs.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/base/time.h"

namespace kestrel::hostd {

enum class FolderLock { free, held };
enum class StopForce { orderly, immediate };

namespace tracking {

// --- events -----------------------------------------------------------------------------------------------
struct StartWanted {};
/// hostd begins, and the VM ought to be running: there may be a runner, or there never was one.
struct Resumed {};
struct StopWanted {
  StopForce force;
};
struct RunnerAnswered {};
/// Nobody answered at its socket.
struct DialFailed {
  FolderLock lock;
};
/// The runner that this hostd started has ended, for whatever reason.
struct ChildEnded {};
/// Its records broke off; `has_ended`: with the last that a run has.
struct FollowingEnded {
  bool has_ended;
  FolderLock lock;
};
/// What the run left behind is in the registry, or could not be written there.
struct ConcludedRun {};
struct ConcludingFailed {};
struct LockLooked {
  FolderLock lock;
};
struct DeadlinePassed {};
using Event = std::variant<StartWanted, Resumed, StopWanted, RunnerAnswered, DialFailed, ChildEnded,
                           FollowingEnded, ConcludedRun, ConcludingFailed, LockLooked, DeadlinePassed>;

// --- effects ----------------------------------------------------------------------------------------------
struct LaunchRunner {
  friend bool operator==(const LaunchRunner&, const LaunchRunner&) = default;
};
struct Dial {
  friend bool operator==(const Dial&, const Dial&) = default;
};
struct AskToStop {
  StopForce force;
  friend bool operator==(const AskToStop&, const AskToStop&) = default;
};
struct KillRunner {
  friend bool operator==(const KillRunner&, const KillRunner&) = default;
};
/// Answered by LockLooked.
struct LookAtLock {
  friend bool operator==(const LookAtLock&, const LookAtLock&) = default;
};
/// Answered by ConcludedRun or ConcludingFailed.
struct ConcludeRun {
  friend bool operator==(const ConcludeRun&, const ConcludeRun&) = default;
};
using Effect = std::variant<LaunchRunner, Dial, AskToStop, KillRunner, LookAtLock, ConcludeRun>;
using Effects = std::vector<Effect>;

// --- states -----------------------------------------------------------------------------------------------
struct Resting {};
struct Looking {
  MonotonicTime dial_at;
  MonotonicTime give_up_at;
  bool has_child;  ///< this hostd started it, and it has not ended
  std::optional<StopForce> stop;
};
struct Attached {
  enum class Ending { none, asked, told, killed };
  Ending ending = Ending::none;
  MonotonicTime deadline{};
};
struct Unreachable {
  MonotonicTime dial_at;
  std::optional<StopForce> stop;
};
struct Closing {
  enum class Step { unlocking, concluding };
  Step step = Step::unlocking;
  MonotonicTime next_at;
  MonotonicTime kill_at;
};
using State = std::variant<Resting, Looking, Attached, Unreachable, Closing>;

}  // namespace tracking

class VmTracker {
 public:
  /// `shutdown_timeout` is what the runner gives its guest.
  explicit VmTracker(Duration shutdown_timeout) : shutdown_timeout_(shutdown_timeout) {}

  [[nodiscard]] tracking::Effects handle(const tracking::Event& event, MonotonicTime now);
  [[nodiscard]] const tracking::State& state() const { return state_; }
  [[nodiscard]] std::optional<MonotonicTime> deadline() const;
  [[nodiscard]] bool is_resting() const { return std::holds_alternative<tracking::Resting>(state_); }

 private:
  void on(const tracking::StartWanted& event);
  void on(const tracking::Resumed& event);
  void on(const tracking::StopWanted& event);
  void on(const tracking::RunnerAnswered& event);
  void on(const tracking::DialFailed& event);
  void on(const tracking::ChildEnded& event);
  void on(const tracking::FollowingEnded& event);
  void on(const tracking::ConcludedRun& event);
  void on(const tracking::ConcludingFailed& event);
  void on(const tracking::LockLooked& event);
  void on(const tracking::DeadlinePassed& event);

  void stop(tracking::Attached& attached, StopForce force);
  void escalate(tracking::Attached& attached);
  void kill_if(std::optional<StopForce> wanted);
  void close();

  Duration shutdown_timeout_;
  tracking::State state_ = tracking::Resting{};
  // Of the event that is being handled.
  MonotonicTime now_{};
  tracking::Effects effects_;
};

}  // namespace kestrel::hostd
