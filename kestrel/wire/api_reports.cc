#include "kestrel/wire/api_reports.h"

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/wire/json_depth.h"

namespace kestrel::wire {

namespace {

using Json = nlohmann::json;

/// Discarded, which is neither object nor anything else, where it is no JSON of a depth that is ours.
Json parse(std::string_view text) {
  return is_shallow_json(text) ? Json::parse(text, nullptr, false) : Json(Json::value_t::discarded);
}

/// A member as text, whatever its type; empty where it is missing or null.
std::string text_of(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto member = object.find(key);
  if (member == object.end() || member->is_null()) return {};
  if (member->is_string()) return member->get<std::string>();
  return member->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::int64_t number_of(const Json& object, const char* key) {
  return parse_integer(text_of(object, key)).value_or(0);
}

/// A member, or nothing, which has no items and no members.
const Json& section_of(const Json& object, const char* key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto member = object.find(key);
  return member == object.end() ? nothing : *member;
}

Result<Json> parse_object(std::string_view text, std::string_view what) {
  Json json = parse(text);
  if (!json.is_object()) return Error{concat("cannot read ", what, ": the answer is no JSON object")};
  return json;
}

std::vector<std::string> names_in(const Json& list) {
  std::vector<std::string> names;
  for (const Json& name : list) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

std::string elapsed_since(const std::string& time, WallTime now) {
  const auto since = parse_time(time);
  if (!since || now < *since) return {};
  return format_elapsed(now - *since);
}

std::string ago(const std::string& time, WallTime now) {
  const std::string elapsed = elapsed_since(time, now);
  return elapsed.empty() ? time : elapsed + " ago";
}

/// Of states of services, of health, and of the guest.
Colour colour_of(std::string_view word) {
  for (const std::string_view good : {"running", "healthy", "up", "completed"}) {
    if (word == good) return Colour::green;
  }
  for (const std::string_view bad : {"failed", "blocked", "unhealthy"}) {
    if (word == bad) return Colour::red;
  }
  for (const std::string_view calm : {"stopped", "none", "down"}) {
    if (word == calm) return Colour::dim;
  }
  return Colour::yellow;
}

Cell coloured(std::string word) {
  const Colour colour = colour_of(word);
  return {std::move(word), colour};
}

// --- one service -------------------------------------------------------------------------------------------

std::string describe_exit(const Json& exit) {
  const std::string cause = text_of(exit, "cause");
  const auto signal = static_cast<int>(number_of(exit, "signal"));
  const std::string code = text_of(exit, "code");
  if (cause == "exit") return code.empty() ? "ended, its status is not known" : concat("exited with ", code);
  if (cause == "oom") return "killed for lack of memory";
  if (cause == "exec_failed") return "could not be executed";
  const std::string how = signal != 0 ? signal_name(signal) : concat("status ", code);
  if (cause == "signal") return concat("killed by ", how);
  return concat(cause, ", ", how);
}

std::string checks_of(const Json& owner, WallTime now, Table::Colours colours) {
  const Json& checks = section_of(owner, "checks");
  if (checks.empty()) return {};
  Table table({"CHECK", "TYPE", "HEALTH", "FAILURES", "LAST", "RESULT"});
  for (const Json& check : checks) {
    const Json& last = section_of(check, "last");
    table.add({text_of(check, "name"), text_of(check, "type"), coloured(text_of(check, "status")),
               text_of(check, "failures"), last.is_object() ? ago(text_of(last, "time"), now) : "",
               text_of(last, "message")});
  }
  return "\n" + table.text(colours);
}

std::string exits_of(const Json& service, WallTime now, Table::Colours colours) {
  const Json& exits = section_of(service, "exits");
  if (exits.empty()) return {};
  Table table({"ENDED", "HOW", "AFTER"});
  for (auto exit = exits.rbegin(); exit != exits.rend(); ++exit) {
    table.add({ago(text_of(*exit, "time"), now), describe_exit(*exit),
               format_elapsed(milliseconds(number_of(*exit, "uptime_ms")))});
  }
  return "\n" + table.text(colours);
}

std::string usage_of(const Json& service) {
  std::string usage;
  if (const auto pid = text_of(service, "pid"); !pid.empty()) usage = concat("pid ", pid);
  if (const auto memory = number_of(service, "memory_bytes"); memory > 0) {
    usage += concat(", ", format_bytes({static_cast<std::uint64_t>(memory)}));
  }
  if (!text_of(service, "cpu_ms").empty()) {
    usage += concat(", ", format_elapsed(milliseconds(number_of(service, "cpu_ms"))), " of CPU time");
  }
  return usage;
}

}  // namespace

Result<std::string> report_services(std::string_view json, WallTime now, Table::Colours colours) {
  const auto document = parse_object(json, "the guest's services");
  if (!document) return document.error();
  Table table({"NAME", "KIND", "STATE", "HEALTH", "PID", "RESTARTS", "SINCE", "REASON"});
  for (const Json& service : section_of(*document, "services")) {
    table.add({text_of(service, "name"), text_of(service, "kind"), coloured(text_of(service, "state")),
               coloured(text_of(service, "health")), text_of(service, "pid"), text_of(service, "restarts"),
               elapsed_since(text_of(service, "since"), now), text_of(service, "reason")});
  }
  return table.text(colours);
}

Result<std::vector<std::string>> parse_service_names(std::string_view json) {
  const auto document = parse_object(json, "the guest's services");
  if (!document) return document.error();
  std::vector<std::string> names;
  for (const Json& service : section_of(*document, "services")) names.push_back(text_of(service, "name"));
  return names;
}

Result<ServiceReport> report_service(std::string_view json, WallTime now, Table::Colours colours) {
  const auto service = parse_object(json, "the service");
  if (!service) return service.error();
  const std::string state = text_of(*service, "state");
  const std::string health = text_of(*service, "health");
  Table table;
  table.add({"name", text_of(*service, "name")});
  table.add({"kind", text_of(*service, "kind")});
  table.add({"state", coloured(state)});
  if (const auto reason = text_of(*service, "reason"); !reason.empty()) table.add({"reason", reason});
  table.add({"since", ago(text_of(*service, "since"), now)});
  if (text_of(*service, "desired") != "running") table.add({"desired", text_of(*service, "desired")});
  if (!text_of(*service, "next_start_ms").empty()) {
    table.add({"next start", "in " + format_elapsed(milliseconds(number_of(*service, "next_start_ms")))});
  }
  if (state == "starting" || state == "running") {
    table.add({"ready", text_of(*service, "ready") == "true" ? "yes" : "not yet"});
  }
  table.add({"health", coloured(health)});
  if (const auto usage = usage_of(*service); !usage.empty()) table.add({"process", usage});
  table.add({"restarts", text_of(*service, "restarts")});
  const bool is_in_trouble =
      state == "failed" || state == "blocked" || state == "backing_off" || health == "unhealthy";
  return ServiceReport{
      table.text(colours) + checks_of(*service, now, colours) + exits_of(*service, now, colours),
      is_in_trouble};
}

Result<std::string> report_health(std::string_view json, WallTime now, Table::Colours colours) {
  const auto health = parse_object(json, "the guest's health");
  if (!health) return health.error();
  Table table;
  table.add({coloured(text_of(*health, "status"))});
  for (std::string& reason : names_in(section_of(*health, "reasons"))) table.add({std::move(reason)});
  return table.text(colours) + checks_of(*health, now, colours);
}

Result<std::string> report_summary(std::string_view info_json, std::string_view health_json,
                                   Table::Colours colours) {
  const auto info = parse_object(info_json, "what the guest is");
  if (!info) return info.error();
  const auto health = parse_object(health_json, "the guest's health");
  if (!health) return health.error();
  const auto shown = [&](const Json& object, const char* key) {
    const std::string word = printable(text_of(object, key));
    return colours == Table::Colours::on ? painted(word, colour_of(word)) : word;
  };
  return concat(shown(*info, "state"), " for ", format_elapsed(milliseconds(number_of(*info, "uptime_ms"))),
                ", ", shown(*health, "status"), '\n');
}

Result<std::vector<std::string>> parse_changed(std::string_view json) {
  const auto answer = parse_object(json, "what changed");
  if (!answer) return answer.error();
  return names_in(section_of(*answer, "changed"));
}

Refusal read_refusal(const Response& response) {
  const Json problem = parse(response.body);
  Refusal refusal{text_of(problem, "detail"), names_in(section_of(problem, "dependents"))};
  if (refusal.detail.empty()) {
    refusal.detail = concat("the answer was ", response.status, ' ', reason_phrase(response.status));
  }
  return refusal;
}

// --- records -----------------------------------------------------------------------------------------------

std::string report_event(std::string_view text) {
  const Json record = parse(text);
  if (!record.is_object()) return {};
  if (record.contains("gap")) return "… events are missing here\n";
  std::string line = concat(text_of(record, "time"), "  ", text_of(record, "type"));
  for (const char* key : {"service", "reason", "message", "accel"}) {
    if (const auto value = text_of(record, key); !value.empty()) line += concat("  ", value);
  }
  if (const auto pid = text_of(record, "pid"); !pid.empty()) line += concat("  pid ", pid);
  return printable(line) + "\n";
}

Result<LogRecord> parse_log_record(std::string_view text) {
  const Json record = parse(text);
  if (!record.is_object()) return Error{"cannot read a log record: it is no JSON object"};
  LogRecord log;
  if (const Json& gap = section_of(record, "gap"); gap.is_object()) {
    const auto first = parse_integer(text_of(gap, "first")).value_or(1);
    const auto last = parse_integer(text_of(gap, "last")).value_or(1);
    // Of one service's lines the numbers of a gap tell nothing; `lines` does.
    const auto lines = parse_integer(text_of(gap, "lines")).value_or(last - first + 1);
    log.lost = static_cast<std::uint64_t>(std::max<std::int64_t>(lines, 1));
    return log;
  }
  log.service = text_of(record, "service");
  log.line = text_of(record, "line");
  return log;
}

std::string format_log_line(std::string_view service, std::string_view line, const OutputStyle& style) {
  // Readable on dark and on light ground: cyan, green, yellow, magenta, blue and their bright kin.
  static constexpr std::array<int, 8> colours = {36, 32, 33, 35, 34, 96, 92, 95};
  if (!style.is_interactive) return concat('[', service, "] ", line, '\n');
  const std::string name = printable(service);
  const std::string text = printable(line);
  if (!style.has_colours) return concat('[', name, "] ", text, '\n');
  const int colour = colours[std::hash<std::string_view>()(service) % colours.size()];
  return concat("\x1b[", colour, "m[", name, "]\x1b[0m ", text, '\n');
}

std::string format_lost_lines(std::uint64_t lost) { return concat("… ", lost, " lines are missing here\n"); }

}  // namespace kestrel::wire
