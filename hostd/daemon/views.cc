#include "hostd/daemon/views.h"

#include <nlohmann/json.hpp>

#include "hostd/runner/control_server.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

json time_or_null(const std::optional<WallTime>& time) {
  return time ? json(format_time(*time)) : json(nullptr);
}

json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

json ports_to_json(const std::vector<PublishedPort>& published) {
  json ports = json::array();
  for (const PublishedPort& port : published)
    ports.push_back({{"address", port.address}, {"host", port.host}, {"guest", port.guest}});
  return ports;
}

std::string_view health_of(std::string_view state) {
  if (state == "healthy" || state == "unhealthy") return state;
  return state == "starting" || state == "ready" ? "starting" : "none";
}

/// What a running VM's runner knows better than its spec.
void add_status(json& vm, const RunnerStatus& status) {
  const json document = json::parse(status.json, nullptr, false);
  for (const char* member : {"pid", "vmm", "link", "ports", "boot", "vsock"}) {
    if (document.contains(member)) vm[member] = document[member];
  }
  vm["ip"] = text_or_null(status.ip);
}

}  // namespace

std::string to_json(const ManagedVm& vm) {
  const VmRecord& record = vm.record();
  json document = {{"name", record.name},
                   {"image", record.request.image},
                   {"plugin", record.spec.image},
                   {"state", vm.state_name()},
                   {"health", health_of(vm.state_name())},
                   {"wanted", record.is_wanted ? "running" : "stopped"},
                   {"created", format_time(record.created)},
                   {"started", time_or_null(record.run.started)},
                   {"ended", time_or_null(record.run.ended)},
                   {"runtime_id", text_or_null(record.run.runtime_id)},
                   {"runtime_dir", record.spec.runtime_dir},
                   {"ip", nullptr},
                   {"ports", ports_to_json(record.spec.ports)},
                   {"memory_bytes", record.spec.memory.count},
                   {"cpus", record.spec.cpus},
                   {"outcome", nullptr}};
  if (!record.replica.deployment.empty()) {
    document["deployment"] = record.replica.deployment;
    document["revision"] = record.replica.revision;
  }
  if (record.run.outcome) document["outcome"] = json::parse(to_json(*record.run.outcome), nullptr, false);
  if (vm.status() && !vm.is_resting()) add_status(document, *vm.status());
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string to_json(const DeploymentView& view) {
  const Deployment& model = view.deployment;
  json replicas = json::array();
  for (const ManagedVm* vm : view.replicas) replicas.push_back(json::parse(to_json(*vm)));
  const bool is_updating = model.previous.has_value();
  const json document = {{"name", model.name},
                         {"image", model.target.request.image},
                         {"plugin", model.target.spec.image},
                         {"replicas", model.replicas},
                         {"healthy", view.healthy},
                         {"updated", view.updated},
                         {"revision", model.target.number},
                         {"state", model.is_leaving                 ? "deleting"
                                   : is_updating                    ? "updating"
                                   : view.updated >= model.replicas ? "healthy"
                                                                    : "progressing"},
                         {"rollback_reason", text_or_null(model.rollback_reason)},
                         {"publish", ports_to_json(view.ports)},
                         {"publish_problem", text_or_null(view.port_problem)},
                         {"created", format_time(model.created)},
                         {"request", json::parse(to_json(request_of(model)))},
                         {"vms", replicas}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string list_json(std::string_view name, const std::vector<std::string>& objects) {
  return concat("{\"", name, "\":[", join(objects, ","), "]}");
}

}  // namespace kestrel::hostd
