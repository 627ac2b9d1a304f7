#include "hostd/fleet/vm_tracker.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;
using namespace kestrel::hostd::tracking;

namespace {

constexpr Duration shutdown_timeout = seconds(45);

/// A tracker, the time that the test moves, and what came out of it last.
struct Bench {
  VmTracker tracker{shutdown_timeout};
  MonotonicTime now{hours(1)};
  Effects effects;

  Bench& after(Duration time) {
    now += time;
    return *this;
  }
  Bench& on(const Event& event) {
    effects = tracker.handle(event, now);
    return *this;
  }
  /// The next deadline, which is there, is met.
  Bench& wait() {
    REQUIRE(tracker.deadline());
    now = *tracker.deadline();
    return on(DeadlinePassed{});
  }
  template <typename State>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<State>(tracker.state());
  }
  template <typename Wanted>
  [[nodiscard]] bool did(const Wanted& wanted) const {
    return effects == Effects{wanted};
  }
};

Bench looking() { return Bench().on(StartWanted{}); }
Bench attached() { return looking().on(RunnerAnswered{}); }
Bench unreachable() { return attached().on(FollowingEnded{false, FolderLock::held}); }
Bench closing() { return attached().on(FollowingEnded{true, FolderLock::held}); }

constexpr StopWanted orderly{StopForce::orderly};
constexpr StopWanted immediate{StopForce::immediate};

}  // namespace

// --- a run as it should be --------------------------------------------------------------------------------

TEST_CASE("a start launches a runner and looks for it", "[hostd]") {
  Bench bench = looking();
  CHECK(bench.is<Looking>());
  CHECK(bench.did(LaunchRunner{}));
  CHECK(bench.wait().did(Dial{}));
}

TEST_CASE("a runner that answers is attached, and followed without a deadline", "[hostd]") {
  Bench bench = attached();
  CHECK(bench.is<Attached>());
  CHECK(bench.effects.empty());
  CHECK_FALSE(bench.tracker.deadline());
}

TEST_CASE("a run rests when its lock is free and its end is written down, in this order", "[hostd]") {
  Bench bench = closing();
  CHECK(bench.did(LookAtLock{}));
  CHECK(bench.on(LockLooked{FolderLock::held}).effects.empty());
  CHECK(bench.wait().did(LookAtLock{}));
  CHECK(bench.on(LockLooked{FolderLock::free}).did(ConcludeRun{}));
  CHECK_FALSE(bench.tracker.is_resting());
  bench.on(ConcludedRun{});
  CHECK(bench.tracker.is_resting());
  CHECK_FALSE(bench.tracker.deadline());
}

TEST_CASE("a second start changes nothing while there is a run", "[hostd]") {
  for (Bench bench : {looking(), attached(), unreachable(), closing()}) {
    const auto state = bench.tracker.state().index();
    CHECK(bench.on(StartWanted{}).effects.empty());
    CHECK(bench.tracker.state().index() == state);
  }
}

// --- who does not answer ----------------------------------------------------------------------------------

TEST_CASE("a runner that was just started has its time to answer", "[hostd]") {
  Bench bench = looking();
  for (int dial = 0; dial < 100; ++dial) bench.wait().on(DialFailed{FolderLock::free});
  CHECK(bench.is<Looking>());
}

TEST_CASE("a runner that never answers, its lock held, becomes unreachable", "[hostd]") {
  Bench bench = looking().after(seconds(11)).on(DialFailed{FolderLock::held});
  CHECK(bench.is<Unreachable>());
  CHECK(bench.effects.empty());
}

TEST_CASE("a runner that lives but has not taken its lock yet is not given up", "[hostd]") {
  Bench bench = looking().after(minutes(1)).on(DialFailed{FolderLock::free});
  CHECK(bench.is<Looking>());
  CHECK(bench.on(ChildEnded{}).did(Dial{}));
  CHECK(bench.on(DialFailed{FolderLock::free}).is<Closing>());
}

TEST_CASE("a runner that ends before it answers closes its run, unless another answers for the name",
          "[hostd]") {
  Bench bench = looking().on(ChildEnded{});
  CHECK(bench.did(Dial{}));
  CHECK(Bench(bench).on(RunnerAnswered{}).is<Attached>());
  CHECK(Bench(bench).on(DialFailed{FolderLock::held}).is<Unreachable>());
  CHECK(bench.on(DialFailed{FolderLock::free}).is<Closing>());
  CHECK(bench.did(LookAtLock{}));
}

TEST_CASE("a runner that breaks off is dead where its lock is free", "[hostd]") {
  Bench bench = attached().on(FollowingEnded{false, FolderLock::free});
  CHECK(bench.is<Closing>());
}

TEST_CASE("a runner that breaks off with its lock held is unreachable until it answers again", "[hostd]") {
  Bench bench = unreachable();
  CHECK(bench.is<Unreachable>());
  CHECK(bench.wait().did(Dial{}));
  CHECK(bench.on(DialFailed{FolderLock::held}).is<Unreachable>());
  CHECK(bench.wait().did(Dial{}));
  CHECK(bench.on(RunnerAnswered{}).is<Attached>());
}

TEST_CASE("one that is unreachable is never touched, only asked again, however long it takes", "[hostd]") {
  Bench bench = unreachable();
  for (int dial = 0; dial < 1000; ++dial) {
    CHECK(bench.wait().did(Dial{}));
    CHECK(bench.on(DialFailed{FolderLock::held}).effects.empty());
  }
}

TEST_CASE("one that was unreachable is over when its lock is free", "[hostd]") {
  CHECK(unreachable().on(DialFailed{FolderLock::free}).is<Closing>());
}

// --- stopping ---------------------------------------------------------------------------------------------

TEST_CASE("a stop has three steps: it is asked for, told, and done by force", "[hostd]") {
  Bench bench = attached().on(orderly);
  CHECK(bench.did(AskToStop{StopForce::orderly}));
  const MonotonicTime asked = bench.now;
  CHECK(bench.wait().did(AskToStop{StopForce::immediate}));
  CHECK(bench.now - asked > shutdown_timeout);
  CHECK(bench.wait().did(KillRunner{}));
  CHECK(bench.wait().did(KillRunner{}));
}

TEST_CASE("a stop by force begins with the second step", "[hostd]") {
  Bench bench = attached().on(immediate);
  CHECK(bench.did(AskToStop{StopForce::immediate}));
  CHECK(bench.wait().did(KillRunner{}));
}

TEST_CASE("a stop that is asked for again only gets stronger", "[hostd]") {
  Bench bench = attached().on(orderly);
  const auto deadline = bench.tracker.deadline();
  CHECK(bench.after(seconds(1)).on(orderly).effects.empty());
  CHECK(bench.tracker.deadline() == deadline);
  CHECK(bench.on(immediate).did(AskToStop{StopForce::immediate}));
  CHECK(bench.on(orderly).effects.empty());
  CHECK(bench.on(immediate).effects.empty());
}

TEST_CASE("a deadline that has not come does nothing to a VM that is followed", "[hostd]") {
  Bench bench = attached().on(orderly);
  CHECK(bench.after(seconds(1)).on(DeadlinePassed{}).effects.empty());
}

TEST_CASE("a stop before the runner answers is carried out as soon as it does", "[hostd]") {
  CHECK(looking().on(orderly).on(RunnerAnswered{}).did(AskToStop{StopForce::orderly}));
  CHECK(looking().on(immediate).on(orderly).on(RunnerAnswered{}).did(AskToStop{StopForce::immediate}));
}

TEST_CASE("a stop survives that its runner is out of reach for a while", "[hostd]") {
  Bench asked = attached().on(orderly).on(FollowingEnded{false, FolderLock::held});
  CHECK(asked.on(RunnerAnswered{}).did(AskToStop{StopForce::orderly}));
  Bench told = attached().on(immediate).on(FollowingEnded{false, FolderLock::held});
  CHECK(told.on(RunnerAnswered{}).did(AskToStop{StopForce::immediate}));
}

TEST_CASE("who stops one that is unreachable waits for it, who does so by force has it killed", "[hostd]") {
  CHECK(unreachable().on(orderly).effects.empty());
  CHECK(unreachable().on(orderly).on(RunnerAnswered{}).did(AskToStop{StopForce::orderly}));
  CHECK(unreachable().on(immediate).did(KillRunner{}));
}

TEST_CASE("a stop by force reaches a runner that hangs before anybody has seen it answer", "[hostd]") {
  Bench bench = looking().on(immediate);
  CHECK(bench.after(seconds(11)).on(DialFailed{FolderLock::held}).did(KillRunner{}));
  CHECK(bench.is<Unreachable>());
}

TEST_CASE("a runner that was told to stop and does not answer any more is killed", "[hostd]") {
  Bench bench = attached().on(immediate).on(FollowingEnded{false, FolderLock::held});
  CHECK(bench.effects.empty());
  CHECK(bench.wait().did(Dial{}));
  CHECK(bench.on(DialFailed{FolderLock::held}).did(KillRunner{}));
}

TEST_CASE("a stop where nothing runs changes nothing", "[hostd]") {
  Bench bench;
  CHECK(bench.on(orderly).on(immediate).effects.empty());
  CHECK(bench.tracker.is_resting());
}

// --- the end of a run -------------------------------------------------------------------------------------

TEST_CASE("a runner whose run is over but which does not end is killed, and again if need be", "[hostd]") {
  Bench bench = closing();
  const MonotonicTime begun = bench.now;
  int kills = 0;
  while (kills < 2 && bench.now - begun < minutes(1)) {
    if (bench.on(LockLooked{FolderLock::held}).did(KillRunner{})) ++kills;
    if (kills == 0) CHECK(bench.now - begun < seconds(11));
    CHECK(bench.wait().did(LookAtLock{}));
  }
  CHECK(kills == 2);
}

TEST_CASE("an end that cannot be written down is tried again until it can", "[hostd]") {
  Bench bench = closing().on(LockLooked{FolderLock::free}).on(ConcludingFailed{});
  CHECK(bench.effects.empty());
  CHECK(bench.wait().did(ConcludeRun{}));
  CHECK(bench.on(ConcludingFailed{}).wait().did(ConcludeRun{}));
  CHECK(bench.on(ConcludedRun{}).tracker.is_resting());
}

TEST_CASE("a look at the lock that is asked for twice concludes once", "[hostd]") {
  Bench bench = closing().on(LockLooked{FolderLock::free});
  CHECK(bench.on(LockLooked{FolderLock::free}).effects.empty());
}

// --- hostd begins again -----------------------------------------------------------------------------------

TEST_CASE("a hostd that begins dials what ought to run, and starts nothing", "[hostd]") {
  Bench bench = Bench().on(Resumed{});
  CHECK(bench.did(Dial{}));
  CHECK(Bench(bench).on(RunnerAnswered{}).is<Attached>());
  CHECK(Bench(bench).on(DialFailed{FolderLock::held}).is<Unreachable>());
  CHECK(Bench(bench).on(DialFailed{FolderLock::free}).is<Closing>());
}

TEST_CASE("a stop that the hostd before had begun is begun again", "[hostd]") {
  CHECK(Bench().on(Resumed{}).on(orderly).on(RunnerAnswered{}).did(AskToStop{StopForce::orderly}));
}

// --- news that come late ----------------------------------------------------------------------------------

TEST_CASE("news of a run that is over are dropped", "[hostd]") {
  for (const Event& late :
       {Event(RunnerAnswered{}), Event(DialFailed{FolderLock::free}), Event(ChildEnded{}),
        Event(FollowingEnded{true, FolderLock::free}), Event(ConcludedRun{}), Event(ConcludingFailed{}),
        Event(LockLooked{FolderLock::free}), Event(DeadlinePassed{})}) {
    Bench bench;
    CHECK(bench.on(late).effects.empty());
    CHECK(bench.tracker.is_resting());
  }
}

TEST_CASE("a dial that fails late does not shake off a runner that answers", "[hostd]") {
  CHECK(attached().on(DialFailed{FolderLock::free}).is<Attached>());
  CHECK(attached().on(ChildEnded{}).is<Attached>());
}
