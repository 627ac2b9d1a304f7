// RFC 3339 timestamps.
#include "kestrel/base/text.h"

namespace kestrel {
namespace {

void append_padded(std::string& out, std::int64_t value, int width) {
  const std::string digits = concat(value);
  if (static_cast<std::size_t>(width) > digits.size()) {
    out.append(static_cast<std::size_t>(width) - digits.size(), '0');
  }
  out.append(digits);
}

/// Reads a timestamp from left to right; once something does not fit, everything after it fails too.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  int number(std::size_t width) {
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (!at_digit()) return fail();
      value = value * 10 + (take() - '0');
    }
    return value;
  }
  void one_of(std::string_view allowed) {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) {
      fail();
    } else {
      take();
    }
  }
  /// `.` and any count of digits, of which three matter; nothing at all is 0.
  milliseconds fraction() {
    if (!rest_.starts_with('.')) return milliseconds{0};
    take();
    if (!at_digit()) fail();
    int value = 0;
    int place = 100;
    for (; at_digit(); place /= 10) value += (take() - '0') * place;
    return milliseconds{value};
  }
  /// `Z` or `+HH:MM`: how far the time is ahead of UTC.
  minutes offset() {
    if (rest_.empty()) fail();
    const char sign = ok_ ? take() : 'Z';
    if (sign == 'Z' || sign == 'z') return minutes{0};
    if (sign != '+' && sign != '-') fail();
    const int ahead_hours = number(2);
    one_of(":");
    const int ahead_minutes = number(2);
    if (ahead_hours > 23 || ahead_minutes > 59) fail();
    const minutes ahead = hours{ahead_hours} + minutes{ahead_minutes};
    return sign == '-' ? -ahead : ahead;
  }
  [[nodiscard]] bool is_complete() const { return ok_ && rest_.empty(); }

 private:
  [[nodiscard]] bool at_digit() const {
    return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
  }
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  int fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::string out;
  append_padded(out, static_cast<int>(date.year()), 4);
  out.push_back('-');
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out.push_back('-');
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out.push_back('T');
  append_padded(out, clock.hours().count(), 2);
  out.push_back(':');
  append_padded(out, clock.minutes().count(), 2);
  out.push_back(':');
  append_padded(out, clock.seconds().count(), 2);
  out.push_back('.');
  append_padded(out, clock.subseconds().count(), 3);
  out.push_back('Z');
  return out;
}

std::optional<WallTime> parse_time(std::string_view text) {
  TimeReader reader(text);
  const std::chrono::year year{reader.number(4)};
  reader.one_of("-");
  const std::chrono::month month{static_cast<unsigned>(reader.number(2))};
  reader.one_of("-");
  const std::chrono::day day{static_cast<unsigned>(reader.number(2))};
  reader.one_of("Tt ");
  const int hour = reader.number(2);
  reader.one_of(":");
  const int minute = reader.number(2);
  reader.one_of(":");
  const int second = reader.number(2);
  const milliseconds fraction = reader.fraction();
  const minutes ahead = reader.offset();
  const std::chrono::year_month_day date{year, month, day};
  // Second 60 is a leap second; it falls together with the first second of the next minute, as in POSIX time.
  if (!reader.is_complete() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + fraction - ahead;
}

}  // namespace kestrel
