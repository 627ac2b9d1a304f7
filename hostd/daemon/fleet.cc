#include "hostd/daemon/fleet.h"

#include <signal.h>

#include <cerrno>

#include "hostd/disks/overlay.h"
#include "hostd/fleet/fleet_event.h"
#include "hostd/images/store.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

Fleet::Fleet(loop::Loop& loop, Registry& registry, Surroundings surroundings)
    : loop_(loop),
      registry_(registry),
      surroundings_(std::move(surroundings)),
      watcher_{.on_launched = [this](ManagedVm& vm, pid_t child) { children_[child] = vm.record().name; },
               .on_events = [this] { tell_events(); },
               .on_change =
                   [this](ManagedVm& vm) {
                     note_found(vm);
                     for (const auto& callback : change_callbacks_) callback(vm);
                   }},
      child_signal_(loop, SIGCHLD, [this] { collect_children(); }) {
  surroundings_.free_name = [this](const std::string& wanted) {
    std::string name = wanted;
    for (int number = 2; is_taken(name); ++number) name = concat(wanted, '-', number);
    return name;
  };
}

bool Fleet::is_taken(const std::string& name) const {
  return vms_.contains(name) || is_held(concat(surroundings_.vms_dir, '/', name));
}

Fleet::ListenerId Fleet::on_events(std::function<void()> callback) {
  event_callbacks_.emplace(++last_listener_, std::move(callback));
  return last_listener_;
}

/// A listener may forget itself.
void Fleet::tell_events() {
  for (auto next = event_callbacks_.begin(); next != event_callbacks_.end();) {
    const auto callback = (next++)->second;
    callback();
  }
}

Result<void> Fleet::open() {
  auto records = registry_.vms();
  if (!records) return records.error();
  for (VmRecord& record : *records) {
    const std::string name = record.name;
    vms_.emplace(name, std::make_unique<ManagedVm>(loop_, registry_, std::move(record), watcher_));
  }
  for (const auto& [name, vm] : vms_) {
    vm->resume();
    if (!vm->is_resting()) sought_.insert(name);
  }
  return {};
}

void Fleet::note_found(const ManagedVm& vm) {
  const auto sought = sought_.find(vm.record().name);
  if (sought == sought_.end() || vm.state_name() == "unknown") return;
  sought_.erase(sought);
  if (sought_.empty()) log_info("all VMs that ran when hostd began have been looked up");
}

Result<VmSpec> Fleet::resolve(const VmRequest& request) const {
  auto made = make_spec(request, surroundings_);
  if (auto* refusal = std::get_if<Outcome>(&made)) return Error{std::move(refusal->message), EINVAL};
  return std::get<VmSpec>(std::move(made));
}

Result<VmSpec> Fleet::resolve_lasting(const VmRequest& request) const {
  auto spec = resolve(request);
  if (spec) keep_overlays(spec->disks, overlays_dir(), spec->name, Store::standard().blob_path(""));
  return spec;
}

Result<ManagedVm*> Fleet::create(VmRequest request) {
  auto spec = resolve_lasting(request);
  if (!spec) return spec.error();
  VmRecord record;
  record.name = spec->name;
  record.request = std::move(request);
  record.spec = std::move(*spec);
  return add(std::move(record));
}

Result<ManagedVm*> Fleet::create(const Revision& revision, const std::string& deployment) {
  std::vector<std::string> taken;
  for (const auto& [name, vm] : vms_) taken.push_back(name);
  VmRecord record;
  record.name = free_replica_name(deployment, taken);
  record.request = revision.request;
  record.request.name = record.name;
  record.spec = spec_of_replica(revision, record.name, surroundings_.vms_dir);
  record.replica = {deployment, revision.number};
  return add(std::move(record));
}

Result<ManagedVm*> Fleet::add(VmRecord record) {
  const std::string name = record.name;
  if (is_taken(name)) return Error{concat("cannot create ", name, ": there is a VM of that name"), EEXIST};
  if (const auto checked = check_socket_paths(record.spec.runtime_dir); !checked)
    return Error{checked.error().message, EINVAL};
  record.created = sys::wall_now();
  const FleetEvent event = event_of_vm("vm.created", record, record.created);
  const auto saved = registry_.commit(name, event, [&] { return registry_.save(record); });
  if (!saved) return saved.error().in(concat("cannot create ", name));
  auto vm = std::make_unique<ManagedVm>(loop_, registry_, std::move(record), watcher_);
  ManagedVm* const added = vms_.emplace(name, std::move(vm)).first->second.get();
  tell_events();
  return added;
}

Result<void> Fleet::remove(const std::string& name) {
  ManagedVm& vm = *vms_.at(name);
  if (!vm.is_resting()) return Error{concat("cannot delete ", name, ": it is ", vm.state_name()), EBUSY};
  const FleetEvent event = event_of_vm("vm.deleted", vm.record(), sys::wall_now());
  const auto removed = registry_.commit(name, event, [&] { return registry_.remove_vm(name); });
  if (!removed) return removed.error().in(concat("cannot delete ", name));
  // The folder of a VM that has ended is in nobody's way: what cannot be removed is found by its name.
  static_cast<void>(remove_ended(vm.record().spec.runtime_dir));
  remove_overlays(overlays_dir(), name);
  watcher_.on_change(vm);
  vms_.erase(name);
  tell_events();
  return {};
}

ManagedVm* Fleet::find(std::string_view name) {
  const auto found = vms_.find(name);
  return found == vms_.end() ? nullptr : found->second.get();
}

std::vector<ManagedVm*> Fleet::vms() {
  std::vector<ManagedVm*> all;
  for (const auto& [name, vm] : vms_) all.push_back(vm.get());
  return all;
}

void Fleet::collect_children() {
  while (const auto ended = sys::peek_ended_child()) {
    sys::reap(ended->pid);
    const auto child = children_.find(ended->pid);
    if (child == children_.end()) continue;
    if (ManagedVm* const vm = find(child->second)) vm->child_ended();
    children_.erase(child);
  }
}

}  // namespace kestrel::hostd
