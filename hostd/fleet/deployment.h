// A deployment: so many VMs of one kind, its replicas, which are replaced when they fail and exchanged one by
// one when their kind changes.
//
// What a replica is made from is a *revision*, with the image looked up once: a newer version of an image
// that is installed later changes nothing until the deployment is updated.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/vm_request.h"
#include "hostd/vm_spec.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// How a new revision takes the place of the one before.
struct RolloutPolicy {
  unsigned max_surge = 1;        ///< so many VMs more than asked for, meanwhile
  unsigned max_unavailable = 0;  ///< so many healthy ones fewer than asked for, meanwhile
  /// How long a replica may take until it is healthy, and how long it may stay unhealthy.
  Duration progress_timeout = minutes(2);
  /// So many replicas of a new revision may fail before the old one comes back.
  unsigned max_failures = 3;
  /// How long connections to a replica that is to go may take until they have ended.
  Duration drain_timeout = seconds(10);
  friend bool operator==(const RolloutPolicy&, const RolloutPolicy&) = default;
};

struct Revision {
  unsigned number = 1;
  VmRequest request;
  VmSpec spec;  ///< without name and runtime folder, which are the replica's
  friend bool operator==(const Revision&, const Revision&) = default;
};

/// What a user asks for.
struct DeploymentRequest {
  std::string name;
  unsigned replicas = 1;
  std::vector<std::string> publish;  ///< `[ADDRESS:]HOST:GUEST`, over all healthy replicas
  RolloutPolicy rollout;
  VmRequest vm;
  friend bool operator==(const DeploymentRequest&, const DeploymentRequest&) = default;
};

struct Deployment {
  std::string name;
  unsigned replicas = 1;
  std::vector<PublishedPort> publish;
  RolloutPolicy rollout;
  Revision target;
  /// The revision that `target` replaces, until all of its replicas are healthy.
  std::optional<Revision> previous;
  /// The highest number that a revision ever had.
  unsigned last_revision = 1;
  /// Why the last update was taken back; empty: it was not.
  std::string rollback_reason;
  /// It goes when its replicas have gone.
  bool is_leaving = false;
  WallTime created{};
  friend bool operator==(const Deployment&, const Deployment&) = default;
};

/// As many as can be meant.
inline constexpr unsigned most_replicas = 1000;

/// A JSON object of a VM request's members, `name`, `replicas`, `publish`, and of RolloutPolicy's, whose
/// durations are texts such as `2m`. Unknown members are errors.
[[nodiscard]] Result<DeploymentRequest> parse_deployment_request(std::string_view json);
[[nodiscard]] std::string to_json(const DeploymentRequest& request);
/// What was asked for to make it what it is now.
[[nodiscard]] DeploymentRequest request_of(const Deployment& deployment);
/// What is wrong with it beside what its VM's request may have; empty: nothing.
[[nodiscard]] std::string problem_of(const DeploymentRequest& request);

/// For the registry, whole and back.
[[nodiscard]] std::string to_json(const Deployment& deployment);
[[nodiscard]] Result<Deployment> parse_deployment(std::string_view json);

/// NAME-1, NAME-2, …: the first that is not among `taken`.
[[nodiscard]] std::string free_replica_name(std::string_view deployment,
                                            const std::vector<std::string>& taken);
/// The spec of a replica called `name`.
[[nodiscard]] VmSpec spec_of_replica(const Revision& revision, const std::string& name,
                                     std::string_view vms_dir);

}  // namespace kestrel::hostd
