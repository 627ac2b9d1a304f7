// A time zone: what clocks show there at which moment, and back. Pure; sys/time_zone_file.h reads the files.
//
// A zone is a table of the changes that are known and a rule for all later ones (RFC 8536, "TZif"). Where
// clocks are put forward there is a gap, times they never show; where they are put back, an overlap, times
// they show twice.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"
#include "kestrel/base/time_zone_rule.h"

namespace kestrel {

class TimeZone {
 public:
  [[nodiscard]] static TimeZone utc() { return TimeZone(seconds(0)); }
  /// The content of a TZif file, version 2 or later, without leap seconds.
  [[nodiscard]] static Result<TimeZone> parse(std::string_view tzif);

  /// How far clocks are ahead of UTC at `time`.
  [[nodiscard]] seconds offset_at(std::chrono::sys_seconds time) const;
  /// The first moment after `time` at which clocks change; nullopt where they never do again.
  [[nodiscard]] std::optional<std::chrono::sys_seconds> next_change(std::chrono::sys_seconds time) const;

  [[nodiscard]] std::chrono::local_seconds to_local(std::chrono::sys_seconds time) const;
  /// The moment at which clocks show `time`; the first of two in an overlap, and the first moment after the
  /// gap for a time in one.
  [[nodiscard]] std::chrono::sys_seconds to_utc(std::chrono::local_seconds time) const;

 private:
  struct Change {
    std::chrono::sys_seconds at;
    seconds offset;  ///< from then on
  };

  explicit TimeZone(seconds offset) : initial_(offset) {}

  seconds initial_;
  std::vector<Change> changes_;  ///< in their order; each is one
  std::optional<TimeZoneRule> rule_;
};

/// Whether `name` has the form of a zone's name, `Europe/Berlin`: one that can lead nowhere but below the
/// folder of zones.
[[nodiscard]] bool is_time_zone_name(std::string_view name);

}  // namespace kestrel
