#include "hostd/cli/timeline.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kestrel/base/table.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/json_depth.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

std::optional<std::int64_t> time_of(const json& object, const char* key, std::int64_t origin) {
  const auto member = object.find(key);
  if (member == object.end() || !member->is_number_integer()) return std::nullopt;
  return std::max<std::int64_t>(member->get<std::int64_t>() - origin, 0);
}

std::string name_of(const json& object) {
  const auto member = object.find("name");
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

/// The objects of a list, if it is one.
std::vector<json> objects_in(const json& document, const char* key) {
  std::vector<json> found;
  const auto list = document.find(key);
  if (list == document.end() || !list->is_array()) return found;
  std::copy_if(list->begin(), list->end(), std::back_inserter(found),
               [](const json& one) { return one.is_object(); });
  return found;
}

std::string seconds_text(std::int64_t us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3fs", static_cast<double>(us) / 1e6);
  return text;
}
std::string seconds_text(std::optional<std::int64_t> us) { return us ? seconds_text(*us) : std::string(); }

/// A line of characters to scale: `·` on its way to its program, `─` until it is ready, `█` from then on.
std::string bar_of(const BootTimeline::Service& service, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t width = 40;
  std::string bar;
  for (std::int64_t i = 0; i < width; ++i) {
    const std::int64_t at = begin + (end - begin) * (i + 1) / width;
    const auto reached = [at](std::optional<std::int64_t> time) { return time && *time <= at; };
    bar += service.starting_us > at                                     ? " "
           : reached(service.ready_us) || reached(service.completed_us) ? "█"
           : reached(service.started_us)                                ? "─"
                                                                        : "·";
  }
  return bar;
}

}  // namespace

Result<BootTimeline> parse_timeline(std::string_view text) {
  const json document =
      wire::is_shallow_json(text) ? json::parse(text, nullptr, false) : json(json::value_t::discarded);
  if (!document.is_object()) return Error{"the answer is no timeline"};
  const auto steps = objects_in(document, "boot");
  const bool is_machine =
      std::any_of(steps.begin(), steps.end(), [](const json& step) { return name_of(step) == "pid 1"; });
  const std::int64_t origin =
      is_machine || steps.empty() ? 0 : time_of(steps.front(), "at_us", 0).value_or(0);
  BootTimeline timeline;
  for (const json& step : steps)
    timeline.steps.push_back({name_of(step), time_of(step, "at_us", origin).value_or(0)});
  for (const json& service : objects_in(document, "services")) {
    timeline.services.push_back({.name = name_of(service),
                                 .starting_us = time_of(service, "starting_us", origin).value_or(0),
                                 .started_us = time_of(service, "started_us", origin),
                                 .ready_us = time_of(service, "ready_us", origin),
                                 .healthy_us = time_of(service, "healthy_us", origin),
                                 .completed_us = time_of(service, "completed_us", origin)});
  }
  std::stable_sort(timeline.steps.begin(), timeline.steps.end(),
                   [](const auto& one, const auto& other) { return one.at_us < other.at_us; });
  return timeline;
}

std::int64_t end_of(const BootTimeline& timeline) {
  std::int64_t end = 1;
  for (const auto& step : timeline.steps) end = std::max(end, step.at_us);
  for (const auto& service : timeline.services) {
    for (const auto time : {std::optional(service.starting_us), service.started_us, service.ready_us,
                            service.healthy_us, service.completed_us})
      end = std::max(end, time.value_or(0));
  }
  return end;
}

std::string timeline_text(const BootTimeline& timeline) {
  Table steps({"AT", "TOOK", "STEP"});
  std::int64_t before = 0;
  for (const auto& step : timeline.steps) {
    steps.add({seconds_text(step.at_us), seconds_text(step.at_us - before), step.name});
    before = step.at_us;
  }
  std::string text = steps.text();
  if (timeline.services.empty()) return text;
  Table services({"SERVICE", "STARTING", "EXEC", "READY", "HEALTHY", "COMPLETED", "· EXEC ─ READY █"});
  const std::int64_t begin = timeline.services.front().starting_us, end = end_of(timeline);
  for (const auto& service : timeline.services) {
    services.add({service.name, seconds_text(service.starting_us), seconds_text(service.started_us),
                  seconds_text(service.ready_us), seconds_text(service.healthy_us),
                  seconds_text(service.completed_us), bar_of(service, begin, end)});
  }
  return concat(text, '\n', services.text());
}

}  // namespace kestrel::hostd
