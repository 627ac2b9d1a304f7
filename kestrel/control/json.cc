#include "kestrel/control/json.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/wire/json_depth.h"

namespace kestrel::control {

namespace {

using Json = nlohmann::ordered_json;

std::string print(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const core::CheckResult& result) {
  return {{"time", format_time(result.time)}, {"ok", result.is_ok}, {"message", result.message}};
}

Json to_json(const core::CheckView& check) {
  return {{"name", check.name},
          {"type", check.type},
          {"status", core::name_of(check.status)},
          {"failures", check.failures},
          {"last", check.last ? to_json(*check.last) : Json(nullptr)}};
}

Json code_of(const core::Exit& exit) { return exit.is_untold ? Json(nullptr) : Json(exit.code); }

Json to_json(const core::ExitRecord& exit) {
  return {{"time", format_time(exit.time)},
          {"code", code_of(exit.exit)},
          {"signal", exit.exit.signal},
          {"cause", core::name_of(exit.cause)},
          {"uptime_ms", to_ms(exit.uptime)}};
}

Json to_json(const core::RunView& run) {
  return {{"state", core::name_of(run.state)},
          {"reason", run.reason},
          {"pid", or_null(run.pid)},
          {"since", format_time(run.since)}};
}

template <typename T>
Json list(const std::vector<T>& values) {
  Json json = Json::array();
  for (const T& value : values) json.push_back(to_json(value));
  return json;
}

Json list_of(std::span<const wire::BootStep> boot) {
  Json json = Json::array();
  for (const wire::BootStep& step : boot) json.push_back({{"name", step.name}, {"at_us", step.at_us}});
  return json;
}

/// What is read need not keep its order, and another type would bring a parser of its own, of 10 KB.
using Parsed = nlohmann::json;

/// `body` as an object, or why it is none.
Result<Parsed> parse_object(std::string_view body) {
  if (!wire::is_shallow_json(body)) return Error{"the body is nested too deeply"};
  Parsed json = Parsed::parse(body, nullptr, false);
  if (!json.is_object()) return Error{"the body is not a JSON object"};
  return json;
}

}  // namespace

std::string service_json(const core::ServiceView& service, const std::optional<Usage>& usage,
                         const LogCounts& logs) {
  Json json{{"name", service.name},
            {"kind", service.kind},
            {"state", core::name_of(service.state)},
            {"reason", service.reason},
            {"desired", core::name_of(service.desired)},
            {"pid", or_null(service.pid)},
            {"since", format_time(service.since)},
            {"restarts", service.restarts},
            {"next_start_ms", service.next_start ? Json(to_ms(*service.next_start)) : Json(nullptr)},
            {"ready", service.is_ready},
            {"status", service.status.empty() ? Json(nullptr) : Json(service.status)},
            {"health", core::name_of(service.health)},
            {"checks", list(service.checks)},
            {"exits", list(service.exits)}};
  json["memory_bytes"] = usage && usage->memory ? Json(usage->memory->count) : Json(nullptr);
  json["cpu_ms"] = usage && usage->cpu ? Json(usage->cpu->count()) : Json(nullptr);
  if (service.kind == "scheduled") json["runs"] = list(service.runs);
  json["log_lines"] = logs.lines;
  json["log_dropped"] = logs.dropped;
  return print(json);
}

std::string services_json(std::span<const std::string> services) {
  return concat(R"({"services":[)", join(services, ","), "]}");
}

std::string health_json(const core::HealthView& health) {
  return print({{"status", core::name_of(health.status)},
                {"reasons", health.reasons},
                {"checks", list(health.checks)}});
}

std::string info_json(const InfoView& info, core::Phase phase) {
  return print({{"version", info.version},
                {"protocol", info.protocol},
                {"boot_id", info.boot_id},
                {"uptime_ms", to_ms(info.uptime)},
                {"state", core::name_of(phase)},
                {"config_digest", info.config_digest},
                {"boot", list_of(info.boot)}});
}

std::string boot_json(std::span<const wire::BootStep> boot) { return print({{"boot", list_of(boot)}}); }

std::string timeline_json(std::span<const wire::BootStep> boot, std::span<const ServiceTimes> services) {
  Json times = Json::array();
  for (const ServiceTimes& service : services) {
    times.push_back({{"name", service.name},
                     {"kind", service.kind},
                     {"starting_us", or_null(service.starting_us)},
                     {"started_us", or_null(service.started_us)},
                     {"ready_us", or_null(service.ready_us)},
                     {"healthy_us", or_null(service.healthy_us)},
                     {"completed_us", or_null(service.completed_us)}});
  }
  return print({{"boot", list_of(boot)}, {"services", std::move(times)}});
}

std::string changed_json(std::span<const std::string> names) {
  return print({{"changed", std::vector<std::string>(names.begin(), names.end())}});
}

std::string conflict_json(std::string_view detail, std::span<const std::string> dependents) {
  return print({{"type", "about:blank"},
                {"title", "Conflict"},
                {"status", 409},
                {"detail", detail},
                {"dependents", std::vector<std::string>(dependents.begin(), dependents.end())}});
}

std::string reload_json(const ReloadReport& report) {
  const core::ReloadPlan& plan = report.plan;
  return print({{"plan",
                 {{"unchanged", plan.unchanged},
                  {"updated", plan.updated},
                  {"restarted", plan.restarted},
                  {"added", plan.added},
                  {"removed", plan.removed},
                  {"changed_keys", plan.changed_keys},
                  {"guest", plan.guest},
                  {"needs_boot", plan.needs_boot}}},
                {"digest", report.digest}});
}

std::string invalid_config_json(const config::Problems& problems) {
  Json list = Json::array();
  for (const config::Problem& problem : problems)
    list.push_back({{"line", problem.line}, {"column", problem.column}, {"message", problem.message}});
  const std::string detail = concat("the configuration is not valid: ", problems.size(),
                                    problems.size() == 1 ? " problem" : " problems");
  return print({{"type", "about:blank"},
                {"title", "Bad Request"},
                {"status", 400},
                {"detail", detail},
                {"problems", std::move(list)}});
}

// --- records -----------------------------------------------------------------------------------------------

std::string event_data_json(const core::Notice& notice) {
  Json json = Json::object();
  if (notice.pid) json["pid"] = *notice.pid;
  if (notice.exit) {
    json["code"] = code_of(*notice.exit);
    json["signal"] = notice.exit->signal;
    json["oom"] = notice.exit->is_oom_kill;
  }
  if (!notice.reason.empty()) json["reason"] = notice.reason;
  return print(json);
}

std::string event_json(const EventRecord& event) {
  Json json{{"seq", event.seq},
            {"time", format_time(event.time)},
            {"mono_ms", event.mono_ms},
            {"type", event.type}};
  if (!event.service.empty()) json["service"] = event.service;
  std::string text = print(json);
  if (event.data.size() > 2 && event.data.starts_with('{') && event.data.ends_with('}'))
    text.replace(text.size() - 1, 1, concat(',', std::string_view(event.data).substr(1)));
  return text;
}

std::string log_json(const LogRecord& record, std::string_view source) {
  return print({{"seq", record.seq},
                {"time", format_time(record.time)},
                {"service", source},
                {"stream", name_of(record.stream)},
                {"line", record.line}});
}

std::string gap_json(std::uint64_t first, std::uint64_t last, std::optional<std::uint64_t> lines) {
  Json gap{{"first", first}, {"last", last}};
  if (lines) gap["lines"] = *lines;
  return print({{"gap", std::move(gap)}});
}

// --- requests ----------------------------------------------------------------------------------------------

Result<int> parse_signal_request(std::string_view body) {
  const Result<Parsed> json = parse_object(body);
  if (!json) return json.error();
  const Parsed signal = json->value("signal", Parsed());
  std::optional<int> number;
  if (signal.is_string()) number = parse_signal(signal.get_ref<const std::string&>());
  if (signal.is_number_integer()) number = parse_signal(signal.dump());
  if (!number) return Error{R"(the body must name a signal, as {"signal": "TERM"})"};
  return *number;
}

Result<core::PowerAction> parse_power_request(std::string_view body) {
  const Result<Parsed> json = parse_object(body);
  if (!json) return json.error();
  const Parsed action = json->value("action", Parsed());
  if (action == "shutdown") return core::PowerAction::shutdown;
  if (action == "reboot") return core::PowerAction::reboot;
  return Error{R"(the body must say what to do: {"action": "shutdown"} or {"action": "reboot"})"};
}

}  // namespace kestrel::control
