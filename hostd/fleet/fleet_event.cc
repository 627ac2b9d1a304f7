#include "hostd/fleet/fleet_event.h"

#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

json parse_object(std::string_view text) {
  json object = json::parse(text, nullptr, false);
  return object.is_object() ? object : json::object();
}

/// `event` last, so that nothing in its data passes for it.
FleetEvent event_of(std::string_view name, json data, const VmRecord& vm, std::string_view ip) {
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

Outcome outcome_of(const json& record) {
  Outcome outcome;
  if (const auto status = record.find("status"); status != record.end() && status->is_number_integer())
    outcome.status = status->get<int>();
  if (const auto message = record.find("message"); message != record.end() && message->is_string())
    outcome.message = message->get<std::string>();
  if (const auto details = record.find("details"); details != record.end() && details->is_array()) {
    for (const json& detail : *details) {
      if (detail.is_string()) outcome.details.push_back(detail.get<std::string>());
    }
  }
  return outcome;
}

/// Records that the runner's bounded files had given up before they were taken over.
std::optional<FleetEvent> event_of_gap(const json& gap, const VmRecord& vm) {
  const auto last = gap.find("last");
  if (last == gap.end() || !last->is_number_unsigned()) return std::nullopt;
  FleetEvent event = event_of("vm.events_lost", {{"gap", gap}}, vm, {});
  event.record_seq = last->get<std::uint64_t>();
  return event;
}

}  // namespace

bool has_crashed(const VmRecord& vm, const Outcome& outcome) { return vm.is_wanted && outcome.status != 0; }

std::optional<FleetEvent> event_of_record(std::string_view text, const VmRecord& vm, std::string_view ip) {
  json record = parse_object(text);
  const auto type = record.find("type");
  if (type == record.end() && record.contains("gap") && record["gap"].is_object())
    return event_of_gap(record["gap"], vm);
  const auto seq = record.find("seq");
  if (type == record.end() || !type->is_string() || seq == record.end() || !seq->is_number_unsigned())
    return std::nullopt;
  std::string name = type->get<std::string>();
  const auto record_seq = seq->get<std::uint64_t>();
  std::optional<Outcome> outcome;
  if (name == "vm.stopped") {
    outcome = outcome_of(record);
    if (has_crashed(vm, *outcome)) name = "vm.crashed";
  }
  record.erase("type");
  record.erase("seq");
  record.erase("mono_ms");
  record.erase("guest_seq");
  FleetEvent event = event_of(name, std::move(record), vm, ip);
  event.record_seq = record_seq;
  event.outcome = std::move(outcome);
  return event;
}

FleetEvent event_of_end(const Outcome& outcome, const VmRecord& vm, WallTime now) {
  const json data = {{"time", format_time(now)},
                     {"status", outcome.status},
                     {"message", outcome.message},
                     {"details", outcome.details}};
  FleetEvent event = event_of(has_crashed(vm, outcome) ? "vm.crashed" : "vm.stopped", data, vm, {});
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
