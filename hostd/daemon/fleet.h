// All VMs of hostd: made, found, removed; their runners' ends collected.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/daemon/managed_vm.h"
#include "hostd/registry/registry.h"
#include "hostd/vm_request.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/signal_watcher.h"

namespace kestrel::hostd {

class Fleet {
 public:
  /// `registry` outlives it.
  Fleet(loop::Loop& loop, Registry& registry, Surroundings surroundings);

  /// Takes up all that the registry knows. Those that ought to run are looked for.
  [[nodiscard]] Result<void> open();

  /// A VM that is not running yet. Error codes: EEXIST: the name is taken; EINVAL: the request is wrong.
  [[nodiscard]] Result<ManagedVm*> create(VmRequest request);
  /// The same of a spec that is made already, for a deployment.
  [[nodiscard]] Result<ManagedVm*> create(const Revision& revision, const std::string& deployment);
  /// What a request means here and now.
  [[nodiscard]] Result<VmSpec> resolve(const VmRequest& request) const;
  /// The same for a VM that is stopped and started again: what it writes to its root is kept until it is
  /// deleted.
  [[nodiscard]] Result<VmSpec> resolve_lasting(const VmRequest& request) const;
  /// For good, with what it left in its runtime folder. Error code EBUSY: it runs.
  [[nodiscard]] Result<void> remove(const std::string& name);

  [[nodiscard]] ManagedVm* find(std::string_view name);
  /// In the order of their names.
  [[nodiscard]] std::vector<ManagedVm*> vms();

  /// Called from inside the VM's own work: what makes or removes VMs has to be posted.
  void on_change(std::function<void(ManagedVm&)> callback) {
    change_callbacks_.push_back(std::move(callback));
  }
  /// Called when there are new events in the registry, until it is forgotten.
  using ListenerId = std::uint64_t;
  ListenerId on_events(std::function<void()> callback);
  void forget(ListenerId id) { event_callbacks_.erase(id); }
  /// Somebody has appended events to the registry.
  void tell_events();

 private:
  [[nodiscard]] Result<ManagedVm*> add(VmRecord record);
  [[nodiscard]] bool is_taken(const std::string& name) const;
  void collect_children();
  void note_found(const ManagedVm& vm);

  loop::Loop& loop_;
  Registry& registry_;
  Surroundings surroundings_;
  VmWatcher watcher_;
  std::vector<std::function<void(ManagedVm&)>> change_callbacks_;
  ListenerId last_listener_ = 0;
  std::map<ListenerId, std::function<void()>> event_callbacks_;
  std::map<std::string, std::unique_ptr<ManagedVm>, std::less<>> vms_;
  std::map<pid_t, std::string> children_;
  /// Those that ought to run and that nobody has answered for since hostd began.
  std::set<std::string, std::less<>> sought_;
  loop::SignalWatcher child_signal_;
};

}  // namespace kestrel::hostd
