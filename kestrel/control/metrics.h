// GET /v1/metrics: values into Prometheus' text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/control/guest.h"
#include "kestrel/sys/pressure.h"

namespace kestrel::control {

struct LogCounters {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dropped = 0;
};

struct ServiceMetrics {
  std::string name;
  std::string_view kind;
  core::StateName state = core::StateName::stopped;
  bool is_ready = false;
  core::Health health = core::Health::none;
  std::optional<Duration> uptime;
  core::RestartCounts restarts{};
  std::optional<Usage> usage;
  LogCounters logs;
};

struct ResourcePressure {
  std::string_view resource;
  sys::Pressure pressure;
};

struct Metrics {
  InfoView info;
  core::Health health = core::Health::starting;
  std::vector<ServiceMetrics> services;
  std::vector<ResourcePressure> pressures;
  std::optional<LinkView> link;
  std::uint64_t events = 0;
};
[[nodiscard]] std::string render(const Metrics& metrics);

/// What there can be, as the documentation tells it.
struct MetricFamily {
  std::string_view name;
  std::string_view type;    ///< counter | gauge
  std::string_view labels;  ///< their names, with commas between them
  std::string_view help;
};
[[nodiscard]] std::vector<MetricFamily> metric_families();

/// Within the quotes of a label: backslash, quote and newline are written as escapes.
[[nodiscard]] std::string label_value(std::string_view text);

}  // namespace kestrel::control
