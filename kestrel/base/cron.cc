#include "kestrel/base/cron.h"

#include <bit>

#include "kestrel/base/text.h"

namespace kestrel {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::sys_seconds;

namespace {

constexpr std::uint64_t every_hour = (std::uint64_t{1} << 24) - 1;
/// The longest wait there is: 29 February on a given weekday, across a century without a leap day.
constexpr days horizon{41 * 366};

constexpr bool has_bit(std::uint64_t set, unsigned bit) { return (set >> bit & 1) != 0; }

/// The lowest bit of `set` from `least` on; nullopt if there is none.
std::optional<int> lowest_bit(std::uint64_t set, int least) {
  const std::uint64_t rest = set >> least;
  if (rest == 0) return std::nullopt;
  return least + std::countr_zero(rest);
}

}  // namespace

bool CronSchedule::is_on_day(local_days day) const {
  const auto day_of_month = static_cast<unsigned>(std::chrono::year_month_day(day).day());
  const bool is_day = has_bit(days_, day_of_month);
  const bool is_weekday = has_bit(weekdays_, std::chrono::weekday(day).c_encoding());
  return is_either_day_enough_ ? is_day || is_weekday : is_day && is_weekday;
}

std::optional<minutes> CronSchedule::first_from(minutes time_of_day) const {
  const int first_hour = static_cast<int>(time_of_day.count() / 60);
  for (auto hour = lowest_bit(hours_, first_hour); hour; hour = lowest_bit(hours_, *hour + 1)) {
    const int from = *hour == first_hour ? static_cast<int>(time_of_day.count() % 60) : 0;
    if (const auto minute = lowest_bit(minutes_, from)) return hours(*hour) + minutes(*minute);
  }
  return std::nullopt;
}

/// The first time from `time`, a whole minute, on that clocks may show.
std::optional<local_seconds> CronSchedule::first_shown_from(local_seconds time, local_days until) const {
  local_days day = std::chrono::floor<days>(time);
  minutes time_of_day = std::chrono::floor<minutes>(time - day);
  while (day <= until) {
    const std::chrono::year_month_day date(day);
    if (!has_bit(months_, static_cast<unsigned>(date.month()))) {
      day = local_days{(date.year() / date.month() + std::chrono::months(1)) / 1};
    } else {
      if (is_on_day(day)) {
        if (const auto found = first_from(time_of_day)) return day + *found;
      }
      day += days(1);
    }
    time_of_day = minutes(0);
  }
  return std::nullopt;
}

std::optional<sys_seconds> CronSchedule::next_by_clock(sys_seconds time, const TimeZone& zone) const {
  local_seconds shown = std::chrono::floor<minutes>(zone.to_local(time));
  const local_days until = std::chrono::floor<days>(shown) + horizon;
  while (const auto candidate = first_shown_from(shown + minutes(1), until)) {
    // In the second pass through an overlap the first one's times come up again.
    if (const sys_seconds moment = zone.to_utc(*candidate); moment > time) return moment;
    shown = *candidate;
  }
  return std::nullopt;
}

std::optional<sys_seconds> CronSchedule::next_by_elapsed_time(sys_seconds time, const TimeZone& zone) const {
  local_seconds from = std::chrono::floor<minutes>(zone.to_local(time)) + minutes(1);
  const local_days until = std::chrono::floor<days>(from) + horizon;
  while (const auto candidate = first_shown_from(from, until)) {
    const sys_seconds moment{candidate->time_since_epoch() - zone.offset_at(time)};
    const auto change = zone.next_change(time);
    if (!change || moment < *change) return moment;
    time = *change;
    from = std::chrono::ceil<minutes>(zone.to_local(time));
  }
  return std::nullopt;
}

std::optional<WallTime> CronSchedule::next_after(WallTime time, const TimeZone& zone) const {
  const auto whole = std::chrono::floor<seconds>(time);
  const auto next = hours_ == every_hour ? next_by_elapsed_time(whole, zone) : next_by_clock(whole, zone);
  return next ? std::optional<WallTime>(*next) : std::nullopt;
}

}  // namespace kestrel
