#include "hostd/fleet/fleet_event.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "hostd/vm_outcome.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

json parse_object(std::string_view text) {
  json object = json::parse(text, nullptr, false);
  return object.is_object() ? object : json::object();
}

/// What hostd says itself comes last, so that nothing in the data passes for it.
FleetEvent event_of(std::string_view name, json data, const VmRecord& vm, std::string_view ip) {
  data.erase("ip");
  data.erase("deployment");
  data["event"] = name;
  data["vm"] = vm.name;
  data["plugin"] = vm.spec.image;
  if (!ip.empty()) data["ip"] = ip;
  if (!vm.replica.deployment.empty()) data["deployment"] = vm.replica.deployment;
  const std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  FleetEvent event;
  event.name = name;
  event.members = text.substr(1, text.size() - 2);
  return event;
}

std::uint64_t number_in(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_number_unsigned() ? member->get<std::uint64_t>() : 0;
}

/// Records that are lost. One with a number of its own tells of the guest's; one without of the runner's,
/// whose bounded files had given them up before they were taken over.
std::optional<FleetEvent> event_of_gap(const json& record, const VmRecord& vm, WallTime now) {
  const auto gap = record.find("gap");
  if (gap == record.end() || !gap->is_object()) return std::nullopt;
  const std::uint64_t own = number_in(record, "seq");
  const std::uint64_t last = own != 0 ? own : number_in(*gap, "last");
  if (last == 0) return std::nullopt;
  FleetEvent event = event_of("vm.events_lost", {{"time", format_time(now)}, {"gap", *gap}}, vm, {});
  event.record_seq = last;
  return event;
}

/// What a guest may say of itself and of the VM; the rest of what begins so is for the runner and hostd to
/// say.
bool may_guest_say(std::string_view name) {
  constexpr std::array of_vm = {"vm.booted",  "vm.ready",    "vm.healthy", "vm.unhealthy",
                                "vm.resumed", "vm.reloaded", "vm.stopping"};
  if (name.starts_with("deployment.")) return false;
  return !name.starts_with("vm.") || std::find(of_vm.begin(), of_vm.end(), name) != of_vm.end();
}

}  // namespace

bool has_crashed(const VmRecord& vm, const Outcome& outcome) { return vm.is_wanted && outcome.status != 0; }

std::optional<FleetEvent> event_of_record(std::string_view text, const VmRecord& vm, std::string_view ip,
                                          WallTime now) {
  json record = parse_object(text);
  const auto type = record.find("type");
  if (type == record.end()) return event_of_gap(record, vm, now);
  const std::uint64_t record_seq = number_in(record, "seq");
  if (!type->is_string() || record_seq == 0) return std::nullopt;
  std::string name = type->get<std::string>();
  std::optional<Outcome> outcome;
  if (record.contains("guest_seq")) {
    if (!may_guest_say(name)) name = concat("guest.", name);
  } else if (name == "vm.stopped") {
    outcome = parse_outcome(text).value_or(Outcome{});
    if (has_crashed(vm, *outcome)) name = "vm.crashed";
  }
  for (const char* own : {"type", "seq", "mono_ms", "guest_seq"}) record.erase(own);
  FleetEvent event = event_of(name, std::move(record), vm, ip);
  event.record_seq = record_seq;
  event.outcome = std::move(outcome);
  return event;
}

FleetEvent event_of_end(const Outcome& outcome, const VmRecord& vm, WallTime now) {
  json data = parse_object(to_json(outcome));
  data["time"] = format_time(now);
  FleetEvent event =
      event_of(has_crashed(vm, outcome) ? "vm.crashed" : "vm.stopped", std::move(data), vm, {});
  event.outcome = outcome;
  return event;
}

FleetEvent event_of_vm(std::string_view name, const VmRecord& vm, WallTime now, std::string_view more) {
  json data = parse_object(more);
  data["time"] = format_time(now);
  return event_of(name, std::move(data), vm, {});
}

FleetEvent event_of_deployment(std::string_view name, std::string_view deployment, WallTime now,
                               std::string_view more) {
  json data = parse_object(more);
  data["time"] = format_time(now);
  data["event"] = name;
  data["deployment"] = deployment;
  const std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  FleetEvent event;
  event.name = name;
  event.members = text.substr(1, text.size() - 2);
  return event;
}

}  // namespace kestrel::hostd
