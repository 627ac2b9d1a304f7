// What Deployments keeps of each deployment. Private to deployments*.cc.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "hostd/daemon/deployments.h"

namespace kestrel::hostd {

/// A deployment, and what is known of it in this hostd's life alone.
struct Deployments::Entry {
  struct Seen {
    Replica::Condition condition;
    MonotonicTime since;
  };
  Deployment model;
  FailureCount failures;
  std::map<std::string, Seen> seen;
  /// Replicas that get no connections any more, and until when they keep those they have.
  std::map<std::string, MonotonicTime> draining;
  Balancer balancer;
  std::string port_problem;
  loop::Timer timer;
  std::optional<MonotonicTime> next_look;
};

}  // namespace kestrel::hostd
