#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>

#include "hostd/daemon/api.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

/// Of a metric, with what Prometheus wants to be told about it.
std::string head_of(std::string_view name, std::string_view type, std::string_view help) {
  return concat("# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', type, '\n');
}

/// A label's value, quoted as its text format wants it.
std::string label_value(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text.push_back('\\');
    text += c == '\n' ? "\\n" : std::string(1, c);
  }
  return text + '"';
}

/// The second field of statm(5) is in pages.
std::uint64_t resident_bytes() {
  const auto statm = sys::read_file("/proc/self/statm");
  const auto fields = split(statm ? std::string_view(*statm) : std::string_view(), ' ');
  if (fields.size() < 2) return 0;
  return static_cast<std::uint64_t>(parse_integer(fields[1]).value_or(0)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string vm_metrics(Fleet& fleet) {
  std::map<std::string, int> states;
  std::string up = head_of("hostd_vm_up", "gauge", "Whether the VM serves: it is ready, and not unhealthy.");
  for (const ManagedVm* vm : fleet.vms()) {
    const std::string_view state = vm->state_name();
    ++states[std::string(state)];
    up += concat("hostd_vm_up{vm=", label_value(vm->record().name), ",state=", label_value(state), "} ",
                 state == "ready" || state == "healthy" ? 1 : 0, '\n');
  }
  std::string counts = head_of("hostd_vms", "gauge", "VMs by state.");
  for (const auto& [state, count] : states)
    counts += concat("hostd_vms{state=", label_value(state), "} ", count, '\n');
  return counts + up;
}

std::string deployment_metrics(const Deployments& deployments) {
  std::string wanted = head_of("hostd_deployment_replicas", "gauge", "Replicas that are asked for.");
  std::string healthy = head_of("hostd_deployment_healthy", "gauge", "Replicas that are healthy.");
  for (const std::string& name : deployments.names()) {
    const DeploymentView view = deployments.view(name);
    wanted += concat("hostd_deployment_replicas{deployment=", label_value(name), "} ",
                     view.deployment.replicas, '\n');
    healthy += concat("hostd_deployment_healthy{deployment=", label_value(name), "} ", view.healthy, '\n');
  }
  return wanted + healthy;
}

}  // namespace

void show_health(const ApiCall& call) {
  // Whatever hostd does is written down first: a registry that cannot be read is all that can be wrong with
  // it.
  const auto range = call.api.registry.event_range();
  const nlohmann::json document = {{"status", range ? "healthy" : "unhealthy"},
                                   {"reason", range ? "" : range.error().message},
                                   {"version", KESTREL_VERSION},
                                   {"pid", ::getpid()},
                                   {"started", format_time(call.api.started)},
                                   {"vms", call.api.fleet.vms().size()},
                                   {"deployments", call.api.deployments.names().size()}};
  call.answer(range ? 200 : 503, document.dump());
}

void show_metrics(const ApiCall& call) {
  const auto range = call.api.registry.event_range();
  wire::Response response;
  response.headers.emplace_back("Content-Type", "text/plain; version=0.0.4");
  response.body =
      concat(vm_metrics(call.api.fleet), deployment_metrics(call.api.deployments),
             head_of("hostd_events_total", "counter", "Events recorded since the registry was made."),
             "hostd_events_total ", range ? range->last : 0, '\n',
             head_of("process_resident_memory_bytes", "gauge", "Memory of hostd that is resident."),
             "process_resident_memory_bytes ", resident_bytes(), '\n');
  call.responder.answer(response);
}

}  // namespace kestrel::hostd
