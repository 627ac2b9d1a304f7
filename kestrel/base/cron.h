// When a schedule is due: cron expressions as Vixie cron reads them (crontab(5)), in a time zone.
//
// Five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or jan-dec), day of week (0-7 or
// sun-sat, 0 and 7 are Sunday). Each is `*` or a list of values and ranges, which may have a step: `*/15`,
// `8-18/2`, `mon-fri`, `1,15`. Where both days are restricted (neither field begins with `*`), either of them
// is enough.
//
// What happens when clocks change depends on the hour. An expression that names hours runs once a day for
// each: a time that clocks skip is due at the first moment after the gap, one they show twice at the first.
// An expression for every hour follows time as it passes: nothing is made up for, and both of the hours that
// clocks call the same count.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"
#include "kestrel/base/time_zone.h"

namespace kestrel {

class CronSchedule {
 public:
  /// Also `@hourly`, `@daily` or `@midnight`, `@weekly`, `@monthly`, `@yearly` or `@annually`. The error
  /// names the field: `the minute '61' is not within 0-59`.
  [[nodiscard]] static Result<CronSchedule> parse(std::string_view expression);

  /// The first moment strictly after `time`; nullopt if there never is one (30 February).
  [[nodiscard]] std::optional<WallTime> next_after(WallTime time, const TimeZone& zone) const;

 private:
  [[nodiscard]] bool is_on_day(std::chrono::local_days day) const;
  [[nodiscard]] std::optional<minutes> first_from(minutes time_of_day) const;
  [[nodiscard]] std::optional<std::chrono::local_seconds> first_shown_from(
      std::chrono::local_seconds time, std::chrono::local_days until) const;
  [[nodiscard]] std::optional<std::chrono::sys_seconds> next_by_clock(std::chrono::sys_seconds time,
                                                                      const TimeZone& zone) const;
  [[nodiscard]] std::optional<std::chrono::sys_seconds> next_by_elapsed_time(std::chrono::sys_seconds time,
                                                                             const TimeZone& zone) const;

  // Bit n stands for the value n.
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0;  ///< 0 = Sunday; never 7
  bool is_either_day_enough_ = false;
};

}  // namespace kestrel
