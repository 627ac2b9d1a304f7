// How a guest's boot went: what it says (GET /v1/timeline), and that for people, as text and as a picture.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// All times are in microseconds since the timeline's beginning, which is the kernel's start, or the first
/// step where kestrel is not PID 1 of a machine of its own.
struct BootTimeline {
  struct Step {
    std::string name;
    std::int64_t at_us = 0;
  };
  struct Service {
    std::string name;
    std::int64_t starting_us = 0;
    std::optional<std::int64_t> started_us, ready_us, healthy_us, completed_us;
  };
  std::vector<Step> steps;  ///< in their order
  std::vector<Service> services;
};
[[nodiscard]] Result<BootTimeline> parse_timeline(std::string_view json);

/// The latest time in it.
[[nodiscard]] std::int64_t end_of(const BootTimeline& timeline);

/// Two tables: the steps, each with what it took, and the services with a bar for each.
[[nodiscard]] std::string timeline_text(const BootTimeline& timeline);

/// A picture of it, after that of `systemd-analyze plot`: a row for each step and service, to scale.
[[nodiscard]] std::string timeline_svg(const BootTimeline& timeline, std::string_view title);

}  // namespace kestrel::hostd
