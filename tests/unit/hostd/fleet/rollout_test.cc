#include "hostd/fleet/rollout.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;
using namespace kestrel::hostd::rollout;
using Condition = Replica::Condition;

namespace {

/// A deployment, its replicas, and the time; look() carries out what is planned as hostd would.
struct Bench {
  Deployment deployment;
  std::vector<Replica> replicas;
  FailureCount failures;
  MonotonicTime now{hours(1)};
  Plan last;

  explicit Bench(unsigned wanted) {
    deployment.name = "api";
    deployment.replicas = wanted;
  }
  Bench& add(const char* name, Condition condition, unsigned revision = 1) {
    replicas.push_back({name, revision, condition, now});
    return *this;
  }
  /// Another revision is to take the place of what there is.
  Bench& update() {
    deployment.previous = deployment.target;
    deployment.target.number = 2;
    return *this;
  }
  std::vector<Action> look() {
    last = plan(deployment, replicas, failures, now);
    return last.actions;
  }
  Replica& replica(std::string_view name) {
    return *std::find_if(replicas.begin(), replicas.end(),
                         [&](const Replica& each) { return each.name == name; });
  }
};

template <typename Wanted>
std::size_t count(const std::vector<Action>& actions) {
  return static_cast<std::size_t>(std::count_if(actions.begin(), actions.end(), [](const Action& action) {
    return std::holds_alternative<Wanted>(action);
  }));
}

std::vector<std::string> retired(const std::vector<Action>& actions) {
  std::vector<std::string> names;
  for (const Action& action : actions) {
    if (const auto* retire = std::get_if<RetireReplica>(&action)) names.push_back(retire->name);
  }
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

// --- as many as are wanted --------------------------------------------------------------------------------

TEST_CASE("missing replicas are made all at once", "[hostd]") {
  CHECK(Bench(3).look() == std::vector<Action>(3, CreateReplica{}));
}

TEST_CASE("with all replicas there is nothing to do, and nothing due", "[hostd]") {
  Bench bench(2);
  bench.add("api-1", Condition::healthy).add("api-2", Condition::healthy);
  CHECK(bench.look().empty());
  CHECK_FALSE(bench.last.next_look);
}

TEST_CASE("a replica that is starting, or unknown, takes a place", "[hostd]") {
  for (const Condition condition : {Condition::starting, Condition::unhealthy, Condition::unknown})
    CHECK(Bench(1).add("api-1", condition).look().empty());
}

TEST_CASE("one that is unknown is waited for without end", "[hostd]") {
  Bench bench(1);
  bench.add("api-1", Condition::unknown);
  bench.now += hours(24);
  CHECK(bench.look().empty());
}

TEST_CASE("one that leaves takes no place", "[hostd]") {
  CHECK(Bench(1).add("api-1", Condition::leaving).look() == std::vector<Action>{CreateReplica{}});
}

TEST_CASE("those that serve nobody go first, then the youngest", "[hostd]") {
  Bench bench(1);
  bench.add("api-1", Condition::starting);
  bench.now += seconds(1);
  bench.add("api-2", Condition::healthy);
  bench.now += seconds(1);
  bench.add("api-3", Condition::healthy);
  CHECK(retired(bench.look()) == Names{"api-1", "api-3"});
}

TEST_CASE("a deployment of none retires all it has", "[hostd]") {
  CHECK(retired(Bench(0).add("api-1", Condition::healthy).look()) == Names{"api-1"});
}

// --- replicas that fail -----------------------------------------------------------------------------------

TEST_CASE("a replica that has ended is removed, and replaced after a second", "[hostd]") {
  Bench bench(1);
  bench.add("api-1", Condition::ended);
  CHECK(bench.look() == std::vector<Action>{RemoveReplica{"api-1"}});
  CHECK(bench.last.next_look == bench.now + seconds(1));
  bench.replicas.clear();
  bench.now += milliseconds(999);
  CHECK(bench.look().empty());
  bench.now += milliseconds(1);
  CHECK(bench.look() == std::vector<Action>{CreateReplica{}});
}

TEST_CASE("the wait before a replacement doubles up to a minute", "[hostd]") {
  CHECK(backoff_after(0) == Duration::zero());
  CHECK(backoff_after(1) == seconds(1));
  CHECK(backoff_after(2) == seconds(2));
  CHECK(backoff_after(6) == seconds(32));
  CHECK(backoff_after(7) == minutes(1));
  CHECK(backoff_after(1'000'000) == minutes(1));
}

TEST_CASE("failures are forgotten after a time without any", "[hostd]") {
  Bench bench(1);
  bench.add("api-1", Condition::healthy);
  bench.failures = {3, bench.now};
  bench.now += minutes(1) + seconds(4);
  bench.look();
  CHECK(bench.failures.failures == 3);
  bench.now += seconds(1);
  bench.look();
  CHECK(bench.failures.failures == 0);
}

TEST_CASE("a replica that does not get healthy in time is retired and replaced", "[hostd]") {
  for (const Condition condition : {Condition::starting, Condition::unhealthy}) {
    Bench bench(1);
    bench.add("api-1", condition);
    bench.deployment.rollout.progress_timeout = seconds(30);
    CHECK(bench.look().empty());
    CHECK(bench.last.next_look == bench.now + seconds(30));
    bench.now += seconds(30);
    CHECK(bench.look() == std::vector<Action>{RetireReplica{"api-1", "it is not healthy after 30s"}});
    CHECK(bench.failures.failures == 1);
    bench.replica("api-1").condition = Condition::leaving;
    bench.now += seconds(1);
    CHECK(bench.look() == std::vector<Action>{CreateReplica{}});
  }
}

// --- updates ----------------------------------------------------------------------------------------------

TEST_CASE("an update makes one more, and retires an old one for each new one that is healthy", "[hostd]") {
  Bench bench(2);
  bench.add("api-1", Condition::healthy).add("api-2", Condition::healthy).update();
  CHECK(bench.look() == std::vector<Action>{CreateReplica{}});
  bench.add("api-3", Condition::starting, 2);
  CHECK(bench.look().empty());
  bench.replica("api-3").condition = Condition::healthy;
  CHECK(bench.look() == std::vector<Action>{RetireReplica{"api-1", "it is replaced"}, CreateReplica{}});
}

TEST_CASE("an update is through when every replica is new and healthy", "[hostd]") {
  Bench bench(1);
  bench.update().add("api-1", Condition::healthy).add("api-2", Condition::healthy, 2);
  CHECK(bench.look() == std::vector<Action>{RetireReplica{"api-1", "it is replaced"}, ForgetPrevious{}});
  Bench waiting(1);
  waiting.update().add("api-2", Condition::starting, 2);
  CHECK(waiting.look().empty());
}

TEST_CASE("max_surge says how many more there may be meanwhile", "[hostd]") {
  Bench bench(3);
  bench.deployment.rollout.max_surge = 2;
  bench.add("api-1", Condition::healthy)
      .add("api-2", Condition::healthy)
      .add("api-3", Condition::healthy)
      .update();
  CHECK(bench.look() == std::vector<Action>(2, CreateReplica{}));
}

TEST_CASE("max_unavailable says how many fewer may serve meanwhile", "[hostd]") {
  Bench bench(3);
  bench.deployment.rollout = {.max_surge = 0, .max_unavailable = 1};
  bench.add("api-1", Condition::healthy)
      .add("api-2", Condition::healthy)
      .add("api-3", Condition::healthy)
      .update();
  const auto actions = bench.look();
  CHECK(retired(actions).size() == 1);
  CHECK(count<CreateReplica>(actions) == 1);
}

TEST_CASE("at no look of an update fewer serve or more are there than allowed", "[hostd]") {
  Bench bench(5);
  bench.deployment.rollout = {.max_surge = 2, .max_unavailable = 1};
  for (const char* name : {"old-1", "old-2", "old-3", "old-4", "old-5"}) bench.add(name, Condition::healthy);
  bench.update();
  unsigned made = 0;
  for (int round = 0; round < 100 && bench.deployment.previous; ++round) {
    for (const Action& action : bench.look()) {
      if (const auto* retire = std::get_if<RetireReplica>(&action))
        std::erase_if(bench.replicas, [&](const Replica& each) { return each.name == retire->name; });
      if (std::holds_alternative<CreateReplica>(action))
        bench.replicas.push_back({"new-" + std::to_string(++made), 2, Condition::starting, bench.now});
      if (std::holds_alternative<ForgetPrevious>(action)) bench.deployment.previous.reset();
    }
    const auto serving = std::count_if(bench.replicas.begin(), bench.replicas.end(), [](const Replica& each) {
      return each.condition == Condition::healthy;
    });
    CHECK(serving >= 4);
    CHECK(bench.replicas.size() <= 7);
    bench.now += seconds(1);
    // One of them gets healthy.
    for (Replica& each : bench.replicas) {
      if (each.condition != Condition::starting) continue;
      each.condition = Condition::healthy;
      break;
    }
  }
  CHECK_FALSE(bench.deployment.previous);
  CHECK(made == 5);
}

TEST_CASE("old replicas that serve nobody go at once", "[hostd]") {
  Bench bench(2);
  bench.add("api-1", Condition::healthy).add("api-2", Condition::unhealthy).update();
  CHECK(retired(bench.look()) == Names{"api-2"});
}

// --- rollback ---------------------------------------------------------------------------------------------

TEST_CASE("an update is taken back when too many of its replicas fail", "[hostd]") {
  Bench bench(1);
  bench.deployment.rollout.max_failures = 2;
  bench.update().add("api-1", Condition::healthy).add("api-2", Condition::ended, 2);
  CHECK(count<RollBack>(bench.look()) == 0);
  const auto actions = bench.look();
  REQUIRE(count<RollBack>(actions) == 1);
  CHECK(actions.back() == Action(RollBack{"2 of its replicas failed"}));
}

TEST_CASE("an update is taken back when one replica does not get healthy in time", "[hostd]") {
  Bench bench(1);
  bench.deployment.rollout.progress_timeout = seconds(30);
  bench.update().add("api-1", Condition::healthy).add("api-2", Condition::starting, 2);
  bench.now += seconds(30);
  const auto actions = bench.look();
  CHECK(retired(actions) == Names{"api-2"});
  CHECK(actions.back() == Action(RollBack{"api-2: it is not healthy after 30s"}));
}

TEST_CASE("what fails of the old revision does not take the new one back", "[hostd]") {
  Bench bench(2);
  bench.deployment.rollout.max_failures = 1;
  bench.update().add("api-1", Condition::ended).add("api-2", Condition::healthy, 2);
  CHECK(count<RollBack>(bench.look()) == 0);
  CHECK(bench.failures.failures == 0);
}

TEST_CASE("without an update there is nothing to go back to, however much fails", "[hostd]") {
  Bench bench(1);
  bench.failures = {99, bench.now};
  CHECK(count<RollBack>(bench.add("api-1", Condition::ended).look()) == 0);
}

TEST_CASE("after a rollback the new ones go, and the old ones are filled up", "[hostd]") {
  Bench bench(2);
  bench.add("api-1", Condition::healthy).add("api-2", Condition::starting, 2);
  const auto actions = bench.look();
  CHECK(retired(actions) == Names{"api-2"});
  CHECK(count<CreateReplica>(actions) == 1);
}
