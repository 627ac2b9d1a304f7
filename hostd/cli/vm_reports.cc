#include "hostd/cli/vm_reports.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "kestrel/base/table.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// A member as text, whatever its type; empty where it is missing or null.
std::string text_of(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return {};
  if (member->is_string()) return member->get<std::string>();
  return member->dump(-1, ' ', false, json::error_handler_t::replace);
}

const json& section_of(const json& object, const char* key) {
  static const json nothing;
  const auto member = object.find(key);
  return member == object.end() ? nothing : *member;
}

std::string elapsed_since(const std::string& time, WallTime now) {
  const auto since = parse_time(time);
  if (!since || now < *since) return {};
  return format_elapsed(now - *since);
}

std::string ports_of(const json& vm) {
  std::string text;
  for (const json& port : section_of(vm, "ports")) {
    if (!text.empty()) text += ", ";
    text += concat(text_of(port, "address"), ':', text_of(port, "host"), " → ", text_of(port, "guest"));
  }
  return text;
}

std::string boot_of(const json& vm) {
  std::string text;
  for (const json& step : section_of(vm, "boot")) {
    char seconds_text[32];
    const auto at_ms = parse_integer(text_of(step, "at_ms")).value_or(0);
    std::snprintf(seconds_text, sizeof seconds_text, " %.2fs", static_cast<double>(at_ms) / 1000);
    text += concat(text.empty() ? "" : " → ", text_of(step, "step"), seconds_text);
  }
  return text;
}

}  // namespace

Result<std::string> report_status(std::string_view text, WallTime now) {
  const json vm = json::parse(text, nullptr, false);
  if (!vm.is_object()) return Error{"cannot read the VM's status: it is no JSON object"};
  const json& guest = section_of(vm, "guest");
  const json& vmm = section_of(vm, "vmm");
  Table table({text_of(vm, "name"), printable(text_of(vm, "state"))});
  table.add(
      {"started", concat(elapsed_since(text_of(vm, "started"), now), " ago, ", text_of(vm, "started"))});
  table.add({"boot", boot_of(vm)});
  if (guest.is_object()) {
    table.add({"guest", concat("kestrel ", text_of(guest, "version"), ", boot ", text_of(guest, "boot_id"),
                               ", link ", text_of(vm, "link"))});
  }
  table.add({"ports", ports_of(vm)});
  table.add({"network", text_of(vm, "ip").empty() ? text_of(vm, "network")
                                                  : concat(text_of(vm, "ip"), ", ", text_of(vm, "network"))});
  const auto memory = parse_integer(text_of(vm, "memory_bytes")).value_or(0);
  table.add(
      {"machine", concat(text_of(vm, "cpus"), " CPU, ", format_bytes({static_cast<std::uint64_t>(memory)}),
                         ", ", text_of(vmm, "accel"))});
  if (const std::string device = text_of(section_of(vm, "vsock"), "device"); !device.empty())
    table.add({"vsock", device});
  table.add({"processes", concat("runner ", text_of(vm, "pid"), ", QEMU ", text_of(vmm, "pid"))});
  return table.text();
}

std::string report_list(const std::vector<ListedVm>& vms, WallTime now) {
  Table table({"NAME", "STATE", "UPTIME", "PORTS", "PID"});
  for (const ListedVm& listed : vms) {
    const json vm = json::parse(listed.json, nullptr, false);
    if (vm.is_object()) {
      table.add({listed.name, text_of(vm, "state"), elapsed_since(text_of(vm, "started"), now), ports_of(vm),
                 text_of(vm, "pid")});
    } else {
      table.add({listed.name, listed.state, "", "", ""});
    }
  }
  return table.text();
}

std::string list_json(const std::vector<ListedVm>& vms) {
  json list = json::array();
  for (const ListedVm& listed : vms) {
    const json vm = json::parse(listed.json, nullptr, false);
    list.push_back(vm.is_object() ? vm : json{{"name", listed.name}, {"state", listed.state}});
  }
  return json{{"vms", list}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace kestrel::hostd
