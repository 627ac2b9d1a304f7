#include "hostd/daemon/deployments.h"

#include <cerrno>

#include "hostd/daemon/deployment_entry.h"
#include "hostd/fleet/fleet_event.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"

namespace kestrel::hostd {

Deployments::Deployments(loop::Loop& loop, Registry& registry, Fleet& fleet)
    : loop_(loop), registry_(registry), fleet_(fleet) {
  fleet_.on_change([this](ManagedVm& vm) { changed(vm); });
}

Deployments::~Deployments() = default;

Result<void> Deployments::open() {
  auto models = registry_.deployments();
  if (!models) return models.error();
  for (Deployment& model : *models) publish(add(std::move(model)));
  return {};
}

Deployments::Entry& Deployments::add(Deployment model) {
  const std::string name = model.name;
  auto entry =
      std::make_unique<Entry>(Entry{std::move(model),
                                    {},
                                    {},
                                    {},
                                    Balancer(loop_, [this, name] { return folders_of_healthy(name); }),
                                    {},
                                    loop::Timer(loop_, [this, name] { look(name); }),
                                    {}});
  look_soon(*entry);
  return *entries_.emplace(name, std::move(entry)).first->second;
}

// --- what users ask for -----------------------------------------------------------------------------------

Result<void> Deployments::create(const DeploymentRequest& request) {
  const std::string what = concat("cannot create deployment ", printable(request.name));
  if (const std::string problem = problem_of(request); !problem.empty())
    return Error{concat(what, ": ", problem), EINVAL};
  if (has(request.name)) return Error{concat(what, ": there is one of that name"), EEXIST};
  Deployment model;
  model.name = request.name;
  model.replicas = request.replicas;
  model.rollout = request.rollout;
  model.created = sys::wall_now();
  for (const std::string& text : request.publish) {
    auto port = parse_published_port(text);
    if (!port) return Error{port.error().message, EINVAL};
    model.publish.push_back(std::move(*port));
  }
  VmRequest wanted = request.vm;
  wanted.name = request.name;
  auto spec = fleet_.resolve(wanted);
  if (!spec) return spec.error().in(what);
  model.target = {1, request.vm, std::move(*spec)};

  Entry& entry = add(std::move(model));
  auto opened = entry.balancer.open(entry.model.publish);
  if (opened) {
    // A port that was picked stays the same from now on.
    Deployment saved = entry.model;
    saved.publish = entry.balancer.ports();
    opened = save(entry, std::move(saved), "deployment.created", "{}");
  }
  if (!opened) entries_.erase(request.name);
  return opened;
}

Result<void> Deployments::change(const DeploymentRequest& request) {
  const std::string what = concat("cannot change deployment ", request.name);
  Entry& entry = *entries_.at(request.name);
  const DeploymentRequest current = request_of(entry.model);
  if (entry.model.is_leaving) return Error{concat(what, ": it is being deleted"), EBUSY};
  if (const std::string problem = problem_of(request); !problem.empty())
    return Error{concat(what, ": ", problem), EINVAL};
  if (request.publish != current.publish)
    return Error{concat(what, ": its ports stay as they were when it was created"), EINVAL};
  VmRequest wanted = request.vm;
  wanted.name = request.name;
  auto spec = fleet_.resolve(wanted);
  if (!spec) return spec.error().in(what);

  Deployment next = entry.model;
  next.replicas = request.replicas;
  next.rollout = request.rollout;
  if (next.target.request == request.vm && next.target.spec == *spec) {
    if (next == entry.model) return {};
    return save(entry, std::move(next), "deployment.scaled", concat("{\"replicas\":", request.replicas, '}'));
  }
  // What an unfinished update was to replace is still what serves.
  if (!next.previous) next.previous = next.target;
  next.target = {++next.last_revision, request.vm, std::move(*spec)};
  next.rollback_reason.clear();
  entry.failures = {};
  const unsigned revision = next.target.number;
  return save(entry, std::move(next), "deployment.updating", concat("{\"revision\":", revision, '}'));
}

Result<void> Deployments::remove(const std::string& name) {
  Entry& entry = *entries_.at(name);
  Deployment next = entry.model;
  next.replicas = 0;
  next.is_leaving = true;
  return save(entry, std::move(next), "deployment.deleting", "{}");
}

Result<void> Deployments::save(Entry& entry, Deployment next, std::string_view event, std::string_view more) {
  const FleetEvent told = event_of_deployment(event, next.name, sys::wall_now(), more);
  const auto saved = registry_.commit("", told, [&] { return registry_.save(next); });
  if (!saved) return saved.error().in(concat("cannot change deployment ", next.name));
  entry.model = std::move(next);
  look_soon(entry);
  fleet_.tell_events();
  return {};
}

// --- what users see ---------------------------------------------------------------------------------------

/// Of a deployment that has just gone there are none.
std::vector<std::string> Deployments::folders_of_healthy(const std::string& name) const {
  std::vector<std::string> folders;
  const auto found = entries_.find(name);
  if (found == entries_.end()) return folders;
  for (const ManagedVm* vm : fleet_.vms()) {
    const VmRecord& record = vm->record();
    if (record.replica.deployment != name || found->second->draining.contains(record.name)) continue;
    if (vm->state_name() == "healthy") folders.push_back(record.spec.runtime_dir);
  }
  return folders;
}

DeploymentView Deployments::view(std::string_view name) const {
  const Entry& entry = *entries_.find(name)->second;
  DeploymentView view{entry.model, {}, 0, 0, entry.balancer.ports(), entry.port_problem};
  for (const ManagedVm* vm : fleet_.vms()) {
    if (vm->record().replica.deployment != name) continue;
    view.replicas.push_back(vm);
    if (vm->state_name() != "healthy" || entry.draining.contains(vm->record().name)) continue;
    ++view.healthy;
    if (vm->record().replica.revision == entry.model.target.number) ++view.updated;
  }
  return view;
}

std::vector<std::string> Deployments::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

}  // namespace kestrel::hostd
