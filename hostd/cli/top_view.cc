#include "hostd/cli/top_view.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/wire/json_depth.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::optional<std::uint64_t> count_of(const json& object, const char* key) {
  const auto member = object.find(key);
  if (member == object.end() || !member->is_number_unsigned()) return std::nullopt;
  return member->get<std::uint64_t>();
}

template <typename T>
const T* find_named(const std::vector<T>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

struct Row {
  const VmLoad* vm;
  const ServiceLoad* service;  ///< nullptr: the VM does not answer
  std::optional<double> cpu;
};

std::vector<Row> rows_of(const LoadPicture& before, const LoadPicture& now) {
  std::vector<Row> rows;
  for (const VmLoad& vm : now) {
    if (!vm.problem.empty()) rows.push_back({&vm, nullptr, {}});
    for (const ServiceLoad& service : vm.services)
      rows.push_back({&vm, &service, cpu_percent(before, vm, service)});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.cpu.value_or(-1) > b.cpu.value_or(-1); });
  return rows;
}

std::string percent_text(std::optional<double> percent) {
  if (!percent) return {};
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%", *percent);
  return text;
}

Colour colour_of(std::string_view word) {
  if (word == "running" || word == "healthy" || word == "completed") return Colour::green;
  if (word == "failed" || word == "blocked" || word == "unhealthy") return Colour::red;
  if (word == "stopped" || word == "none") return Colour::dim;
  return Colour::yellow;
}

Cell coloured(const std::string& word) { return {word, colour_of(word)}; }

void add_row(Table& table, const Row& row) {
  if (row.service == nullptr) {
    table.add({row.vm->name, Cell(row.vm->problem, Colour::red)});
    return;
  }
  const ServiceLoad& service = *row.service;
  table.add({row.vm->name, service.name, coloured(service.state), coloured(service.health),
             percent_text(row.cpu), service.memory_bytes ? format_bytes({*service.memory_bytes}) : "",
             concat(service.restarts)});
}

json to_json(const LoadPicture& before, const VmLoad& vm, const ServiceLoad& service) {
  const auto or_null = [](const auto& value) { return value ? json(*value) : json(); };
  return {{"name", service.name},
          {"state", service.state},
          {"health", service.health},
          {"restarts", service.restarts},
          {"memory_bytes", or_null(service.memory_bytes)},
          {"cpu_ms", or_null(service.cpu_ms)},
          {"cpu_percent", or_null(cpu_percent(before, vm, service))}};
}

}  // namespace

Result<std::vector<ServiceLoad>> parse_loads(std::string_view text) {
  const json document =
      wire::is_shallow_json(text) ? json::parse(text, nullptr, false) : json(json::value_t::discarded);
  const auto services = document.is_object() ? document.find("services") : document.end();
  if (!document.is_object() || services == document.end() || !services->is_array())
    return Error{"the answer is no list of services"};
  std::vector<ServiceLoad> loads;
  for (const json& service : *services) {
    if (!service.is_object()) continue;
    loads.push_back({.name = text_of(service, "name"),
                     .state = text_of(service, "state"),
                     .health = text_of(service, "health"),
                     .restarts = count_of(service, "restarts").value_or(0),
                     .memory_bytes = count_of(service, "memory_bytes"),
                     .cpu_ms = count_of(service, "cpu_ms")});
  }
  return loads;
}

std::optional<double> cpu_percent(const LoadPicture& before, const VmLoad& vm, const ServiceLoad& service) {
  const VmLoad* const vm_before = find_named(before, vm.name);
  const ServiceLoad* const earlier =
      vm_before == nullptr ? nullptr : find_named(vm_before->services, service.name);
  if (earlier == nullptr || !earlier->cpu_ms || !service.cpu_ms || vm.at <= vm_before->at)
    return std::nullopt;
  // Less than before means that it was restarted, and all of it is new.
  const std::uint64_t from = *earlier->cpu_ms <= *service.cpu_ms ? *earlier->cpu_ms : 0;
  const std::chrono::duration<double, std::milli> elapsed = vm.at - vm_before->at;
  return static_cast<double>(*service.cpu_ms - from) / elapsed.count() * 100;
}

std::string top_table(const LoadPicture& before, const LoadPicture& now, Table::Colours colours,
                      std::optional<std::size_t> rows) {
  const auto all = rows_of(before, now);
  constexpr std::size_t header = 1;
  const bool is_cut = rows && all.size() + header > *rows;
  // The last line says how many there is no room for.
  const std::size_t shown = is_cut ? std::max<std::size_t>(*rows, header + 2) - header - 1 : all.size();
  Table table({"VM", "SERVICE", "STATE", "HEALTH", "CPU", "MEMORY", "RESTARTS"});
  for (std::size_t i = 0; i < std::min(shown, all.size()); ++i) add_row(table, all[i]);
  std::string text = table.text(colours);
  if (is_cut && shown < all.size()) text += concat("and ", all.size() - shown, " more\n");
  return text;
}

std::string top_json(const LoadPicture& before, const LoadPicture& now) {
  json vms = json::array();
  for (const VmLoad& vm : now) {
    json services = json::array();
    for (const ServiceLoad& service : vm.services) services.push_back(to_json(before, vm, service));
    vms.push_back({{"name", vm.name},
                   {"problem", vm.problem.empty() ? json() : json(vm.problem)},
                   {"services", std::move(services)}});
  }
  return json{{"vms", std::move(vms)}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace kestrel::hostd
