#include "hostd/cli/fleet_reports.h"

#include <nlohmann/json.hpp>

#include "kestrel/base/table.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

Result<json> parse(std::string_view text, const char* list) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return Error{"hostd's answer is no JSON object"};
  if (list == nullptr) return document;
  if (!document.contains(list) || !document[list].is_array())
    return Error{concat("hostd's answer has no ", list)};
  return document[list];
}

/// A member as text, whatever its type; empty where it is missing or null.
std::string text_of(const json& object, const char* key) {
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return {};
  return printable(member->is_string() ? member->get<std::string>()
                                       : member->dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string elapsed_since(const std::string& time, WallTime now) {
  const auto since = parse_time(time);
  if (!since || now < *since) return {};
  return format_elapsed(now - *since);
}

bool has_ended(const json& vm) {
  const std::string state = text_of(vm, "state");
  return state == "created" || state == "stopped" || state == "crashed";
}

std::string uptime_of(const json& vm, WallTime now) {
  return has_ended(vm) ? "" : elapsed_since(text_of(vm, "started"), now);
}

std::string ports_of(const json& object, const char* key) {
  std::string text;
  const auto ports = object.find(key);
  if (ports == object.end() || !ports->is_array()) return text;
  for (const json& port : *ports) {
    text += concat(text.empty() ? "" : ", ", text_of(port, "address"), ':', text_of(port, "host"), " → ",
                   text_of(port, "guest"));
  }
  return text;
}

std::string outcome_of(const json& vm) {
  const auto outcome = vm.find("outcome");
  if (!has_ended(vm) || outcome == vm.end() || !outcome->is_object()) return {};
  const std::string message = text_of(*outcome, "message");
  return concat("status ", text_of(*outcome, "status"), message.empty() ? "" : ": ", message);
}

void add_vm(Table& table, const json& vm, WallTime now) {
  table.add({text_of(vm, "name"), text_of(vm, "plugin"), text_of(vm, "state"), uptime_of(vm, now),
             text_of(vm, "ip"), has_ended(vm) ? outcome_of(vm) : ports_of(vm, "ports")});
}

const std::vector<std::string> vm_columns = {"NAME", "IMAGE", "STATE", "UPTIME", "IP", "PORTS"};

}  // namespace

Result<std::string> report_vms(std::string_view text, WallTime now) {
  const auto vms = parse(text, "vms");
  if (!vms) return vms.error();
  Table table(vm_columns);
  for (const json& vm : *vms) add_vm(table, vm, now);
  return table.text();
}

Result<std::string> report_vm(std::string_view text, WallTime now) {
  const auto vm = parse(text, nullptr);
  if (!vm) return vm.error();
  Table table({text_of(*vm, "name"), text_of(*vm, "state")});
  table.add({"image", text_of(*vm, "image")});
  if (const std::string uptime = uptime_of(*vm, now); !uptime.empty())
    table.add({"started", concat(uptime, " ago, ", text_of(*vm, "started"))});
  if (const std::string outcome = outcome_of(*vm); !outcome.empty())
    table.add({"ended", concat(text_of(*vm, "ended"), ", ", outcome)});
  if (const std::string ip = text_of(*vm, "ip"); !ip.empty()) table.add({"ip", ip});
  table.add({"ports", ports_of(*vm, "ports")});
  const auto memory = parse_integer(text_of(*vm, "memory_bytes")).value_or(0);
  table.add({"machine",
             concat(text_of(*vm, "cpus"), " CPU, ", format_bytes({static_cast<std::uint64_t>(memory)}))});
  if (const std::string deployment = text_of(*vm, "deployment"); !deployment.empty())
    table.add({"deployment", concat(deployment, ", revision ", text_of(*vm, "revision"))});
  table.add({"folder", text_of(*vm, "runtime_dir")});
  return table.text();
}

Result<std::string> report_deployments(std::string_view text, WallTime now) {
  const auto deployments = parse(text, "deployments");
  if (!deployments) return deployments.error();
  Table table({"NAME", "IMAGE", "STATE", "HEALTHY", "UPDATED", "REVISION", "AGE", "PORTS"});
  for (const json& each : *deployments) {
    const std::string wanted = text_of(each, "replicas");
    table.add({text_of(each, "name"), text_of(each, "plugin"), text_of(each, "state"),
               concat(text_of(each, "healthy"), '/', wanted), concat(text_of(each, "updated"), '/', wanted),
               text_of(each, "revision"), elapsed_since(text_of(each, "created"), now),
               ports_of(each, "publish")});
  }
  return table.text();
}

Result<std::string> report_deployment(std::string_view text, WallTime now) {
  const auto deployment = parse(text, nullptr);
  if (!deployment) return deployment.error();
  auto report = report_deployments(concat("{\"deployments\":[", text, "]}"), now);
  if (!report) return report;
  if (const std::string reason = text_of(*deployment, "rollback_reason"); !reason.empty())
    *report += concat("\nthe last update was taken back: ", reason, '\n');
  if (const std::string problem = text_of(*deployment, "publish_problem"); !problem.empty())
    *report += concat('\n', problem, '\n');
  Table table(vm_columns);
  for (const json& vm : (*deployment)["vms"]) add_vm(table, vm, now);
  return *report + '\n' + table.text();
}

std::string report_names(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  std::string names;
  if (!document.is_object()) return names;
  for (const json& list : document) {
    for (const json& each : list) names += text_of(each, "name") + '\n';
  }
  return names;
}

Result<DeploymentProgress> parse_deployment_progress(std::string_view text) {
  const auto document = parse(text, nullptr);
  if (!document) return document.error();
  DeploymentProgress progress;
  progress.state = text_of(*document, "state");
  progress.rollback_reason = text_of(*document, "rollback_reason");
  for (const auto& [key, count] :
       {std::pair{"replicas", &progress.replicas}, std::pair{"healthy", &progress.healthy},
        std::pair{"updated", &progress.updated}}) {
    const auto number = parse_integer(text_of(*document, key));
    if (!number || *number < 0) return Error{concat("hostd's answer has no number `", key, "`")};
    *count = static_cast<unsigned>(*number);
  }
  return progress;
}

}  // namespace kestrel::hostd
