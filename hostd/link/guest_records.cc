#include "hostd/link/guest_records.h"

#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// Without its braces.
std::string members_of(const json& object) {
  const std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.substr(1, text.size() - 2);
}

json parse_object(std::string_view text) {
  json object = json::parse(text, nullptr, false);
  return object.is_object() ? object : json::object();
}

}  // namespace

std::string record_of(const wire::EventMessage& event) {
  // What the event says about itself comes last, so that its data cannot pretend to be something else.
  json record = parse_object(event.data);
  record.erase("seq");
  record["time"] = format_time(event.time);
  record["mono_ms"] = event.mono_ms;
  record["type"] = event.type;
  record["guest_seq"] = event.seq;
  if (!event.service.empty()) record["service"] = event.service;
  return members_of(record);
}

std::string record_of(const wire::LogMessage& log) {
  return members_of({{"time", format_time(log.time)},
                     {"service", log.service},
                     {"stream", log.stream},
                     {"line", log.line},
                     {"guest_seq", log.seq}});
}

std::string record_of(const wire::Gap& gap, WallTime now) {
  return members_of({{"time", format_time(now)}, {"gap", {{"first", gap.first}, {"last", gap.last}}}});
}

std::string record_of(const wire::Hello& hello, int protocol, Acquaintance acquaintance,
                      std::uint64_t first_log, WallTime now) {
  return members_of({{"time", format_time(now)},
                     {"type", "vm.linked"},
                     {"boot_id", hello.boot_id},
                     {"version", hello.version},
                     {"protocol", protocol},
                     {"again", acquaintance == Acquaintance::known_boot},
                     {"first_log", first_log}});
}

std::string record_of(const wire::Exiting& word, WallTime now) {
  return members_of({{"time", format_time(now)},
                     {"type", "vm.exited"},
                     {"status", word.status},
                     {"signal", word.signal},
                     {"oom", word.oom},
                     {"cause", word.cause},
                     {"action", word.action},
                     {"problems", word.problems}});
}

std::string record_of_loss(std::string_view reason, WallTime now) {
  return members_of({{"time", format_time(now)}, {"type", "vm.unlinked"}, {"reason", reason}});
}

std::string host_event(WallTime now, std::string_view type, std::string_view data) {
  json record = parse_object(data);
  record["time"] = format_time(now);
  record["type"] = type;
  return members_of(record);
}

}  // namespace kestrel::hostd
