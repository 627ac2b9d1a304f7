// Text: joining, splitting, and the textual forms of durations, sizes and times that users see.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel {

namespace text_detail {
inline void append(std::string& out, std::string_view part) { out.append(part); }
inline void append(std::string& out, char part) { out.push_back(part); }
template <std::integral N>
void append(std::string& out, N number) {
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}
}  // namespace text_detail

/// The parts one after another: text, characters, integers.
template <typename... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
  std::string out;
  (text_detail::append(out, parts), ...);
  return out;
}

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
/// Without white space at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// A whole decimal number and nothing else; nullopt if it is not one or does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

/// `250ms`, `5s`, `2m`, `1h`, also `1.5s` and sums such as `1m30s`; a bare `0` is no time at all.
/// nullopt if it is none of these, negative, or beyond 100 years.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);
/// The shortest exact form parse_duration reads: `250ms`, `90s` as `1m30s`, `0s`.
[[nodiscard]] std::string format_duration(Duration duration);
/// For people, two figures of what matters: `850ms`, `2.4s`, `3m12s`, `5h04m`, `2d03h`.
[[nodiscard]] std::string format_elapsed(Duration duration);

/// `512`, `64K`, `64M`, `1G`, `1T` (powers of 1024; a trailing `B` or `iB` is allowed); nullopt otherwise.
[[nodiscard]] std::optional<Bytes> parse_bytes(std::string_view text);
/// For people: `512 B`, `3.1 MiB`.
[[nodiscard]] std::string format_bytes(Bytes bytes);

/// RFC 3339, UTC, milliseconds: `2026-01-31T12:00:00.000Z`.
[[nodiscard]] std::string format_time(WallTime time);
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

/// The candidate a person most likely meant by `word`: least edit distance, at most a third of its length (at
/// least 1, swapped neighbours count as one). nullopt if none is near.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// The name or `SIGNAME` of a signal to its number and back (`TERM`, `SIGTERM`, `15`); nullopt for an unknown
/// one.
[[nodiscard]] std::optional<int> parse_signal(std::string_view text);
/// `SIGTERM`; `signal 41` for one without a name.
[[nodiscard]] std::string signal_name(int signal);

/// `text` without terminal control characters (anything that could move a cursor or change colours), for
/// printing strangers' output to a terminal. Tabs stay.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace kestrel
