// What a deployment needs next, as decisions: its replicas and the time go in, actions come out.
//
// plan() compares what there is with what is wanted and says what to do about the difference; it is asked
// again whenever something has changed, and keeps nothing but the count of failures. So it does not matter
// where hostd was interrupted: the next plan goes on from what it finds.
//
// A replica counts as healthy or it does not count: one that is starting, or does not answer, takes a place
// but serves nobody. One that has ended, or is not healthy for too long, is a failure of its revision, and is
// replaced after a while that doubles with each (1 s to 1 min). In an update too many failures, or one
// replica that does not get healthy in time, bring the revision before back.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hostd/fleet/deployment.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

struct Replica {
  enum class Condition { starting, healthy, unhealthy, leaving, ended, unknown };
  std::string name;
  unsigned revision = 0;
  Condition condition = Condition::starting;
  MonotonicTime since{};  ///< when it came into this condition
};

/// What a plan hands on to the next.
struct FailureCount {
  unsigned failures = 0;
  MonotonicTime last{};
};

namespace rollout {

struct CreateReplica {
  friend bool operator==(const CreateReplica&, const CreateReplica&) = default;
};
/// No new connections; when the old ones have ended, it is stopped and removed.
struct RetireReplica {
  std::string name;
  std::string reason;
  friend bool operator==(const RetireReplica&, const RetireReplica&) = default;
};
/// It has ended: nothing is left to be stopped.
struct RemoveReplica {
  std::string name;
  friend bool operator==(const RemoveReplica&, const RemoveReplica&) = default;
};
/// The update is through.
struct ForgetPrevious {
  friend bool operator==(const ForgetPrevious&, const ForgetPrevious&) = default;
};
struct RollBack {
  std::string reason;
  friend bool operator==(const RollBack&, const RollBack&) = default;
};
using Action = std::variant<CreateReplica, RetireReplica, RemoveReplica, ForgetPrevious, RollBack>;

struct Plan {
  std::vector<Action> actions;
  /// When something is due though nothing happens.
  std::optional<MonotonicTime> next_look;
};

[[nodiscard]] Plan plan(const Deployment& deployment, std::vector<Replica> replicas, FailureCount& failures,
                        MonotonicTime now);

/// How long a replacement waits after so many failures in a row.
[[nodiscard]] Duration backoff_after(unsigned failures);

}  // namespace rollout
}  // namespace kestrel::hostd
