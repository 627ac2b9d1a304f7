// The textual forms of durations, sizes and times.
#include <algorithm>
#include <array>
#include <limits>

#include "kestrel/base/text.h"

namespace kestrel {
namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t nanoseconds;
};
// From the largest down: sums such as `1m30s` name them in this order, and so does format_duration.
constexpr std::array duration_units = {DurationUnit{"d", 86'400'000'000'000},
                                       DurationUnit{"h", 3'600'000'000'000},
                                       DurationUnit{"m", 60'000'000'000},
                                       DurationUnit{"s", 1'000'000'000},
                                       DurationUnit{"ms", 1'000'000},
                                       DurationUnit{"us", 1'000},
                                       DurationUnit{"ns", 1}};
constexpr std::size_t index_of_seconds = 3;
constexpr std::int64_t longest_duration = duration_units[0].nanoseconds * 36'525;  // 100 years of 365.25 days

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_while(std::string_view& text, bool (*belongs)(char)) {
  const auto end = std::find_if_not(text.begin(), text.end(), belongs);
  const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

/// `digits` after the point, times `unit`; nullopt unless that is a whole number.
std::optional<std::int64_t> fraction_of(std::int64_t unit, std::string_view digits) {
  std::int64_t sum = 0;
  std::int64_t place = unit;
  for (char digit : digits) {
    place = place % 10 == 0 ? place / 10 : 0;
    if (digit != '0' && place == 0) return std::nullopt;
    sum += place * (digit - '0');
  }
  return sum;
}

std::string two_digits(std::int64_t n) { return concat(n < 10 ? "0" : "", n); }

/// `whole` and `rest` parts of a `unit` (a power of ten) without trailing zeros: `1.5`, `2`.
std::string shortest_decimal(std::int64_t whole, std::int64_t rest, std::int64_t unit) {
  std::string out = concat(whole);
  if (rest != 0) out.push_back('.');
  for (; rest != 0; rest %= unit) {
    unit /= 10;
    out.push_back(static_cast<char>('0' + rest / unit));
  }
  return out;
}

struct ByteUnit {
  char letter;
  unsigned shift;
};
constexpr std::array byte_units = {ByteUnit{'K', 10}, ByteUnit{'M', 20}, ByteUnit{'G', 30},
                                   ByteUnit{'T', 40}};

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  if (text.empty()) return std::nullopt;
  std::int64_t sum = 0;
  auto unit = duration_units.begin();
  while (!text.empty()) {
    const auto whole = parse_integer(take_while(text, is_digit));
    std::string_view fraction;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      fraction = take_while(text, is_digit);
      if (fraction.empty()) return std::nullopt;
    }
    const std::string_view name = take_while(text, [](char c) { return !is_digit(c); });
    unit = std::find_if(unit, duration_units.end(), [&](const DurationUnit& u) { return u.name == name; });
    if (!whole || unit == duration_units.end() || *whole > longest_duration / unit->nanoseconds)
      return std::nullopt;
    const auto part = fraction_of(unit->nanoseconds, fraction);
    if (!part) return std::nullopt;
    sum += *whole * unit->nanoseconds + *part;
    if (sum > longest_duration) return std::nullopt;
    ++unit;
  }
  return Duration{sum};
}

std::string format_duration(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  std::string out;
  std::int64_t rest = duration.count();
  if (rest < 0) {
    out.push_back('-');
    rest = -rest;
  }
  for (std::size_t i = 0; i < index_of_seconds; ++i) {
    const auto& unit = duration_units[i];
    if (rest >= unit.nanoseconds) out.append(concat(rest / unit.nanoseconds, unit.name));
    rest %= unit.nanoseconds;
  }
  for (std::size_t i = index_of_seconds; i < duration_units.size() && rest != 0; ++i) {
    const auto& unit = duration_units[i];
    if (rest < unit.nanoseconds) continue;
    out.append(shortest_decimal(rest / unit.nanoseconds, rest % unit.nanoseconds, unit.nanoseconds));
    out.append(unit.name);
    rest = 0;
  }
  return out;
}

std::string format_elapsed(Duration duration) {
  const std::int64_t ns = std::max<std::int64_t>(0, duration.count());
  const std::int64_t s = ns / 1'000'000'000;
  if (ns < 10'000'000) {
    const std::int64_t tenths = ns / 100'000;
    return tenths % 10 == 0 ? concat(tenths / 10, "ms") : concat(tenths / 10, '.', tenths % 10, "ms");
  }
  if (s < 1) return concat(ns / 1'000'000, "ms");
  if (s < 10) return concat(s, '.', ns / 100'000'000 % 10, 's');
  if (s < 60) return concat(s, 's');
  if (s < 3600) return concat(s / 60, 'm', two_digits(s % 60), 's');
  if (s < 86'400) return concat(s / 3600, 'h', two_digits(s / 60 % 60), 'm');
  return concat(s / 86'400, 'd', two_digits(s / 3600 % 24), 'h');
}

std::optional<Bytes> parse_bytes(std::string_view text) {
  const std::string_view digits = take_while(text, is_digit);
  std::uint64_t count = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (parsed.ec != std::errc{}) return std::nullopt;
  if (text.empty() || text == "B") return Bytes{count};
  const char letter = text.front() >= 'a' ? static_cast<char>(text.front() - 'a' + 'A') : text.front();
  const auto unit =
      std::find_if(byte_units.begin(), byte_units.end(), [&](ByteUnit u) { return u.letter == letter; });
  text.remove_prefix(1);
  if (unit == byte_units.end() || !(text.empty() || text == "B" || text == "iB")) return std::nullopt;
  if (count > std::numeric_limits<std::uint64_t>::max() >> unit->shift) return std::nullopt;
  return Bytes{count << unit->shift};
}

std::string format_bytes(Bytes bytes) {
  if (bytes.count < 1024) return concat(bytes.count, " B");
  constexpr std::string_view letters = "KMGTPE";
  for (std::size_t i = 0;; ++i) {
    const std::uint64_t unit = std::uint64_t{1} << (10 * (i + 1));
    std::uint64_t whole = bytes.count / unit;
    std::uint64_t tenths = (bytes.count % unit * 10 + unit / 2) / unit;
    whole += tenths / 10;
    tenths %= 10;
    if (whole >= 1024 && i + 1 < letters.size()) continue;
    return tenths == 0 ? concat(whole, ' ', letters[i], "iB")
                       : concat(whole, '.', tenths, ' ', letters[i], "iB");
  }
}

}  // namespace kestrel
