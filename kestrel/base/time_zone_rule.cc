#include "kestrel/base/time_zone_rule.h"

#include <algorithm>

namespace kestrel {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::sys_seconds;
using std::chrono::year;

namespace {

constexpr int last_week = 5;
constexpr int hours_bound = 167;

}  // namespace

/// Reads the string from left to right; once something does not fit, everything after it fails too.
class TimeZoneRuleReader {
 public:
  explicit TimeZoneRuleReader(std::string_view text) : rest_(text) {}

  std::optional<TimeZoneRule> read() {
    TimeZoneRule rule;
    name();
    // POSIX counts westwards.
    rule.standard_ = -time();
    if (!rest_.empty()) {
      name();
      TimeZoneRule::Daylight daylight{rule.standard_ + hours(1), {}, {}};
      if (!rest_.starts_with(',')) daylight.offset = -time();
      daylight.begin = change();
      daylight.end = change();
      rule.daylight_ = daylight;
    }
    if (!is_ok_ || !rest_.empty()) return std::nullopt;
    return rule;
  }

 private:
  /// At least three letters, or anything in `<>`.
  void name() {
    if (take('<')) {
      const std::size_t end = rest_.find('>');
      if (end == std::string_view::npos || end == 0) return fail();
      rest_.remove_prefix(end + 1);
      return;
    }
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_letter);
    if (end - rest_.begin() < 3) return fail();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.begin()));
  }

  /// `[+-]hh[:mm[:ss]]`
  seconds time() {
    const bool is_negative = take('-');
    if (!is_negative) static_cast<void>(take('+'));
    seconds value = hours(number(0, hours_bound));
    if (take(':')) value += minutes(number(0, 59));
    if (take(':')) value += seconds(number(0, 59));
    return is_negative ? -value : value;
  }

  TimeZoneRule::Change change() {
    TimeZoneRule::Change change;
    expect(',');
    change.day = day();
    if (take('/')) change.time = time();
    return change;
  }

  TimeZoneRule::Day day() {
    using Kind = TimeZoneRule::Day::Kind;
    if (take('J')) return {Kind::julian, number(1, 365)};
    if (!take('M')) return {Kind::zero_based, number(0, 365)};
    TimeZoneRule::Day day{Kind::week_of_month};
    day.month = static_cast<unsigned>(number(1, 12));
    expect('.');
    day.week = number(1, last_week);
    expect('.');
    day.day = number(0, 6);
    return day;
  }

  int number(int least, int most) {
    int value = 0;
    std::size_t digits = 0;
    for (; digits < rest_.size() && digits < 4 && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
      value = value * 10 + (rest_[digits] - '0');
    }
    rest_.remove_prefix(digits);
    if (digits == 0 || value < least || value > most) fail();
    return value;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  void fail() {
    is_ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool is_ok_ = true;
};

std::optional<TimeZoneRule> TimeZoneRule::parse(std::string_view text) {
  return TimeZoneRuleReader(text).read();
}

local_days TimeZoneRule::Day::in(year year_) const {
  const local_days first{year_ / 1 / 1};
  switch (kind) {
    case Kind::julian:
      return first + days(day - 1 + (year_.is_leap() && day > 59 ? 1 : 0));
    case Kind::zero_based:
      return first + days(day);
    case Kind::week_of_month:
      break;
  }
  const std::chrono::weekday weekday(static_cast<unsigned>(day));
  const std::chrono::month month_(month);
  if (week == last_week) return local_days{year_ / month_ / weekday[std::chrono::last]};
  return local_days{year_ / month_ / weekday[static_cast<unsigned>(week)]};
}

TimeZoneRule::Span TimeZoneRule::daylight_in(year year_) const {
  const auto moment = [&](const Change& change, seconds offset) {
    return sys_seconds{change.day.in(year_).time_since_epoch() + change.time - offset};
  };
  return {moment(daylight_->begin, standard_), moment(daylight_->end, daylight_->offset)};
}

year TimeZoneRule::year_of(sys_seconds time) const {
  return std::chrono::year_month_day(std::chrono::floor<days>(time + standard_)).year();
}

seconds TimeZoneRule::offset_at(sys_seconds time) const {
  if (!daylight_) return standard_;
  const auto [begin, end] = daylight_in(year_of(time));
  const bool is_daylight = begin < end ? begin <= time && time < end : time < end || begin <= time;
  return is_daylight ? daylight_->offset : standard_;
}

std::optional<sys_seconds> TimeZoneRule::next_change(sys_seconds time) const {
  if (!daylight_) return std::nullopt;
  std::optional<sys_seconds> next;
  const year current = year_of(time);
  for (const year each : {current - std::chrono::years(1), current, current + std::chrono::years(1)}) {
    const auto [begin, end] = daylight_in(each);
    for (const sys_seconds change : {begin, end}) {
      const bool is_change = offset_at(change) != offset_at(change - seconds(1));
      if (change > time && is_change && (!next || change < *next)) next = change;
    }
  }
  return next;
}

}  // namespace kestrel
