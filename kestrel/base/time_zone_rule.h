// The rule that goes on for ever: a POSIX TZ string such as `CET-1CEST,M3.5.0,M10.5.0/3`, as the footer of a
// TZif file has it (POSIX.1-2017, 8.3 "TZ"; RFC 8536, 3.3.1 for the hours of -167 to 167).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "kestrel/base/time.h"

namespace kestrel {

class TimeZoneRule {
 public:
  /// nullopt if it is no such string. Daylight saving time must name when it begins and ends.
  [[nodiscard]] static std::optional<TimeZoneRule> parse(std::string_view text);

  /// How far clocks are ahead of UTC at `time`.
  [[nodiscard]] seconds offset_at(std::chrono::sys_seconds time) const;
  /// The first moment after `time` at which clocks change; nullopt where they never do.
  [[nodiscard]] std::optional<std::chrono::sys_seconds> next_change(std::chrono::sys_seconds time) const;

 private:
  friend class TimeZoneRuleReader;

  /// A day of each year.
  struct Day {
    enum class Kind {
      julian,        ///< `Jn`: 1 to 365, 29 February is never counted
      zero_based,    ///< `n`: 0 to 365
      week_of_month  ///< `Mm.w.d`: the weekday's w-th occurrence, 5 = the last
    };
    Kind kind = Kind::zero_based;
    int day = 0;  ///< of the year, or of the week (0 = Sunday)
    unsigned month = 1;
    int week = 1;

    [[nodiscard]] std::chrono::local_days in(std::chrono::year year) const;
  };
  struct Change {
    Day day;
    seconds time = hours(2);  ///< from that day's midnight, by the clock before the change
  };
  struct Daylight {
    seconds offset;
    Change begin;
    Change end;
  };
  struct Span {
    std::chrono::sys_seconds begin;
    std::chrono::sys_seconds end;
  };

  /// When daylight saving time begins and ends in `year`, in this or in the other order.
  [[nodiscard]] Span daylight_in(std::chrono::year year) const;
  [[nodiscard]] std::chrono::year year_of(std::chrono::sys_seconds time) const;

  seconds standard_{0};
  std::optional<Daylight> daylight_;
};

}  // namespace kestrel
