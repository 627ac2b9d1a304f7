// hostd's deployments: carries out what fleet/rollout.h plans, whenever one of their VMs changes or time has
// come.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/daemon/balancer.h"
#include "hostd/daemon/fleet.h"
#include "hostd/fleet/deployment.h"
#include "hostd/fleet/rollout.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd {

/// How a deployment is, for its users.
struct DeploymentView {
  const Deployment& deployment;
  std::vector<const ManagedVm*> replicas;
  unsigned healthy = 0;
  unsigned updated = 0;  ///< of the revision that is wanted, and healthy
  std::vector<PublishedPort> ports;
  std::string port_problem;  ///< why they are not published; empty: they are
};

class Deployments {
 public:
  Deployments(loop::Loop& loop, Registry& registry, Fleet& fleet);
  ~Deployments();

  /// Takes up all that the registry knows. `fleet` is open.
  [[nodiscard]] Result<void> open();

  /// Error codes: EEXIST, EINVAL as for VMs; EADDRINUSE: a port to publish is taken.
  [[nodiscard]] Result<void> create(const DeploymentRequest& request);
  /// Makes it what `request` says, all but its name and its ports. Where its VMs are to be others, another
  /// revision takes the place of its replicas one by one. Error codes: EINVAL; EBUSY: it is being deleted.
  [[nodiscard]] Result<void> change(const DeploymentRequest& request);
  /// Its replicas are stopped and removed, and then it is gone.
  [[nodiscard]] Result<void> remove(const std::string& name);

  [[nodiscard]] bool has(std::string_view name) const { return entries_.find(name) != entries_.end(); }
  [[nodiscard]] DeploymentView view(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct Entry;

  void changed(const ManagedVm& vm);
  void look_by(Entry& entry, MonotonicTime at);
  void look_soon(Entry& entry, Duration after = Duration::zero());
  void look(const std::string& name);
  [[nodiscard]] std::vector<Replica> replicas_of(Entry& entry);
  void advance_leaving(Entry& entry);
  void carry_out(Entry& entry, const rollout::CreateReplica& action);
  void carry_out(Entry& entry, const rollout::RetireReplica& action);
  void carry_out(Entry& entry, const rollout::RemoveReplica& action);
  void carry_out(Entry& entry, const rollout::ForgetPrevious& action);
  void carry_out(Entry& entry, const rollout::RollBack& action);
  void publish(Entry& entry);
  void remove_if_empty(const std::string& name);
  [[nodiscard]] Entry& add(Deployment model);
  [[nodiscard]] Result<void> save(Entry& entry, Deployment next, std::string_view event,
                                  std::string_view more);
  [[nodiscard]] std::vector<std::string> folders_of_healthy(const std::string& name) const;

  loop::Loop& loop_;
  Registry& registry_;
  Fleet& fleet_;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
};

}  // namespace kestrel::hostd
