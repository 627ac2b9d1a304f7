#include "kestrel/wire/link_messages.h"

#include <algorithm>
#include <concepts>
#include <nlohmann/json.hpp>
#include <utility>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/json_depth.h"

namespace kestrel::wire {

namespace {

using Json = nlohmann::json;

std::string as_line(const Json& message) {
  return message.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

// --- to JSON -----------------------------------------------------------------------------------------------

Json json_of(const Hello& hello) {
  Json boot = Json::array();
  for (const auto& step : hello.boot) boot.push_back({{"name", step.name}, {"at_us", step.at_us}});
  return {{"type", "hello"},
          {"protocol", hello.protocol},
          {"min_protocol", hello.min_protocol},
          {"version", hello.version},
          {"boot_id", hello.boot_id},
          {"self_id", hello.self_id},
          {"config_digest", hello.config_digest},
          {"provides", hello.provides},
          {"requires", hello.requires_},
          {"boot", std::move(boot)}};
}

Json json_of(const EventMessage& event) {
  auto data = Json::parse(std::string_view(event.data), nullptr, false);
  if (!data.is_object()) data = Json::object();
  Json out = {{"type", "event"},          {"seq", event.seq},    {"time", format_time(event.time)},
              {"mono_ms", event.mono_ms}, {"event", event.type}, {"data", std::move(data)}};
  if (!event.service.empty()) out["service"] = event.service;
  return out;
}

Json json_of(const LogMessage& log) {
  return {{"type", "log"},          {"seq", log.seq},       {"time", format_time(log.time)},
          {"service", log.service}, {"stream", log.stream}, {"line", log.line}};
}

Json json_of(const Gap& gap) {
  return {{"type", "gap"},
          {"of", gap.of == Gap::Of::events ? "events" : "logs"},
          {"first", gap.first},
          {"last", gap.last}};
}

Json json_of(const Exiting& exiting) {
  return {{"type", "exiting"},           {"status", exiting.status}, {"signal", exiting.signal},
          {"oom", exiting.oom},          {"cause", exiting.cause},   {"action", exiting.action},
          {"problems", exiting.problems}};
}

Json json_of(const Pong& pong) { return {{"type", "pong"}, {"id", pong.id}}; }

Json json_of(const ResumedReport& report) {
  return {{"type", "resumed"},
          {"id", report.id},
          {"clock_error_ns", report.clock_error_ns},
          {"is_clock_set", report.is_clock_set},
          {"took_us", report.took_us}};
}

Json json_of(const Mount& mount) {
  return {{"source", mount.source}, {"target", mount.target}, {"type", mount.type}};
}

Json json_of(const NetworkSettings& network) {
  return {{"address", network.address}, {"gateway", network.gateway}, {"name_servers", network.name_servers}};
}

Json json_of(const Welcome& welcome) {
  Json out = {
      {"type", "welcome"},          {"protocol", welcome.protocol}, {"runtime_id", welcome.runtime_id},
      {"token", welcome.token},     {"hostname", welcome.hostname}, {"env", welcome.env},
      {"time_ns", welcome.time_ns}, {"entropy", welcome.entropy}};
  if (!welcome.image_env.empty()) out["image_env"] = welcome.image_env;
  if (!welcome.user_data.empty()) out["user_data"] = welcome.user_data;
  for (const auto& mount : welcome.mounts) out["mounts"].push_back(json_of(mount));
  if (welcome.network) out["network"] = json_of(*welcome.network);
  return out;
}

Json json_of(const Ack& ack) {
  Json out = {{"type", "ack"}, {"events", ack.events}, {"logs", ack.logs}};
  if (ack.exiting) out["exiting"] = true;
  return out;
}

Json json_of(const Ping& ping) {
  Json out = {{"type", "ping"}};
  if (ping.id != 0) out["id"] = ping.id;
  return out;
}

Json json_of(const Resumed& resumed) {
  return {{"type", "resumed"},
          {"id", resumed.id},
          {"time_ns", resumed.time_ns},
          {"paused_ms", resumed.paused_ms},
          {"entropy", resumed.entropy}};
}

// --- from JSON ---------------------------------------------------------------------------------------------
// What is missing keeps its default: fields are only ever added. What has the wrong type throws, and is no
// message.

template <typename T>
void get(const Json& from, const char* name, T& into) {
  if (const auto found = from.find(name); found != from.end()) found->get_to(into);
}

/// The library would turn fractions, truth values and numbers out of range into some number.
template <std::integral Number>
Number integer_in(const Json& value) {
  if (value.is_number_unsigned() && std::in_range<Number>(value.get<std::uint64_t>()))
    return value.get<Number>();
  if (value.is_number_integer() && !value.is_number_unsigned() &&
      std::in_range<Number>(value.get<std::int64_t>())) {
    return value.get<Number>();
  }
  throw Json::type_error::create(302, "an integer is out of range or not one", &value);
}

template <std::integral Number>
requires(!std::same_as<Number, bool>) void get(const Json& from, const char* name, Number& into) {
  if (const auto found = from.find(name); found != from.end()) into = integer_in<Number>(*found);
}

WallTime time_in(const Json& from) {
  std::string text;
  get(from, "time", text);
  return parse_time(text).value_or(WallTime{});
}

Hello hello_from(const Json& from) {
  Hello hello;
  get(from, "protocol", hello.protocol);
  get(from, "min_protocol", hello.min_protocol);
  get(from, "version", hello.version);
  get(from, "boot_id", hello.boot_id);
  get(from, "self_id", hello.self_id);
  get(from, "config_digest", hello.config_digest);
  get(from, "provides", hello.provides);
  get(from, "requires", hello.requires_);
  if (const auto boot = from.find("boot"); boot != from.end()) {
    for (const auto& step : *boot) {
      hello.boot.push_back({step.at("name").get<std::string>(), integer_in<std::int64_t>(step.at("at_us"))});
    }
  }
  return hello;
}

EventMessage event_from(const Json& from) {
  EventMessage event;
  get(from, "seq", event.seq);
  event.time = time_in(from);
  get(from, "mono_ms", event.mono_ms);
  get(from, "event", event.type);
  get(from, "service", event.service);
  const auto data = from.find("data");
  event.data = data != from.end() && data->is_object() ? data->dump() : "{}";
  return event;
}

LogMessage log_from(const Json& from) {
  LogMessage log;
  get(from, "seq", log.seq);
  log.time = time_in(from);
  get(from, "service", log.service);
  get(from, "stream", log.stream);
  get(from, "line", log.line);
  return log;
}

Gap gap_from(const Json& from) {
  Gap gap;
  std::string of;
  get(from, "of", of);
  gap.of = of == "events" ? Gap::Of::events : Gap::Of::logs;
  get(from, "first", gap.first);
  get(from, "last", gap.last);
  return gap;
}

Exiting exiting_from(const Json& from) {
  Exiting exiting;
  get(from, "status", exiting.status);
  get(from, "signal", exiting.signal);
  get(from, "oom", exiting.oom);
  get(from, "cause", exiting.cause);
  get(from, "action", exiting.action);
  get(from, "problems", exiting.problems);
  return exiting;
}

Pong pong_from(const Json& from) {
  Pong pong;
  get(from, "id", pong.id);
  return pong;
}

ResumedReport resumed_report_from(const Json& from) {
  ResumedReport report;
  get(from, "id", report.id);
  get(from, "clock_error_ns", report.clock_error_ns);
  get(from, "is_clock_set", report.is_clock_set);
  get(from, "took_us", report.took_us);
  return report;
}

Mount mount_from(const Json& from) {
  Mount mount{.source = from.at("source"), .target = from.at("target"), .type = {}};
  get(from, "type", mount.type);
  return mount;
}

NetworkSettings network_from(const Json& from) {
  NetworkSettings network{.address = from.at("address"), .gateway = {}, .name_servers = {}};
  get(from, "gateway", network.gateway);
  get(from, "name_servers", network.name_servers);
  return network;
}

Welcome welcome_from(const Json& from) {
  Welcome welcome;
  get(from, "protocol", welcome.protocol);
  get(from, "runtime_id", welcome.runtime_id);
  get(from, "token", welcome.token);
  get(from, "hostname", welcome.hostname);
  get(from, "env", welcome.env);
  get(from, "image_env", welcome.image_env);
  get(from, "time_ns", welcome.time_ns);
  get(from, "entropy", welcome.entropy);
  get(from, "user_data", welcome.user_data);
  if (const auto mounts = from.find("mounts"); mounts != from.end()) {
    for (const auto& mount : *mounts) welcome.mounts.push_back(mount_from(mount));
  }
  if (const auto network = from.find("network"); network != from.end())
    welcome.network = network_from(*network);
  return welcome;
}

Ack ack_from(const Json& from) {
  Ack ack;
  get(from, "events", ack.events);
  get(from, "logs", ack.logs);
  get(from, "exiting", ack.exiting);
  return ack;
}

Ping ping_from(const Json& from) {
  Ping ping;
  get(from, "id", ping.id);
  return ping;
}

Resumed resumed_from(const Json& from) {
  Resumed resumed;
  get(from, "id", resumed.id);
  get(from, "time_ns", resumed.time_ns);
  get(from, "paused_ms", resumed.paused_ms);
  get(from, "entropy", resumed.entropy);
  return resumed;
}

std::optional<GuestMessage> guest_message_from(const Json& from, const std::string& type) {
  if (type == "hello") return hello_from(from);
  if (type == "event") return event_from(from);
  if (type == "log") return log_from(from);
  if (type == "gap") return gap_from(from);
  if (type == "exiting") return exiting_from(from);
  if (type == "pong") return pong_from(from);
  if (type == "resumed") return resumed_report_from(from);
  return std::nullopt;
}

std::optional<HostMessage> host_message_from(const Json& from, const std::string& type) {
  if (type == "welcome") return welcome_from(from);
  if (type == "ack") return ack_from(from);
  if (type == "ping") return ping_from(from);
  if (type == "resumed") return resumed_from(from);
  return std::nullopt;
}

template <typename Message>
Result<std::optional<Message>> decode(std::string_view line,
                                      std::optional<Message> (*message_from)(const Json&,
                                                                             const std::string&)) {
  if (!is_shallow_json(line)) return Error{"cannot read a link message: nested too deeply"};
  try {
    const auto from = Json::parse(line);
    return message_from(from, from.at("type").get<std::string>());
  } catch (const Json::exception& cause) {
    return Error{concat("cannot read a link message: ", cause.what())};
  }
}

}  // namespace

std::string encode(const GuestMessage& message) {
  return std::visit([](const auto& one) { return as_line(json_of(one)); }, message);
}

std::string encode(const HostMessage& message) {
  return std::visit([](const auto& one) { return as_line(json_of(one)); }, message);
}

Result<std::optional<GuestMessage>> decode_guest_message(std::string_view line) {
  return decode<GuestMessage>(line, guest_message_from);
}

Result<std::optional<HostMessage>> decode_host_message(std::string_view line) {
  return decode<HostMessage>(line, host_message_from);
}

Result<int> agree_on_protocol(int their_oldest, int their_newest) {
  if (their_oldest <= protocol && their_newest >= oldest_protocol && their_oldest <= their_newest)
    return std::min(protocol, their_newest);
  return Error{concat("cannot agree on a protocol: the other side speaks ", their_oldest, " to ",
                      their_newest, ", this side ", oldest_protocol, " to ", protocol)};
}

Result<std::vector<std::string>> LineReader::feed(std::string_view bytes) {
  std::vector<std::string> lines;
  for (auto newline = bytes.find('\n'); newline != std::string_view::npos; newline = bytes.find('\n')) {
    partial_.append(bytes.substr(0, newline));
    if (partial_.size() > longest_) break;
    lines.push_back(std::exchange(partial_, {}));
    bytes.remove_prefix(newline + 1);
  }
  if (partial_.size() + bytes.size() > longest_)
    return Error{concat("cannot read a link message: longer than ", longest_, " bytes")};
  partial_.append(bytes);
  return lines;
}

}  // namespace kestrel::wire
