// Readers of single values. Each returns the value, or reports what it expected and what it found.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "kestrel/base/bytes.h"
#include "kestrel/base/text.h"
#include "kestrel/base/time.h"
#include "kestrel/config/key_table.h"

namespace kestrel::config {

/// Any scalar, spelled as in the file: `8080` and `true` are text too where text is asked for.
[[nodiscard]] std::optional<std::string> read_text(Context& context, const Raw& raw);
/// Text that is not empty.
[[nodiscard]] std::optional<std::string> read_word(Context& context, const Raw& raw);
/// Names of services and checks: [a-z0-9][a-z0-9_.-]{0,62}.
[[nodiscard]] std::optional<std::string> read_name(Context& context, const Raw& raw);
[[nodiscard]] std::optional<std::string> read_absolute_path(Context& context, const Raw& raw);
/// An RE2 pattern that compiles.
[[nodiscard]] std::optional<std::string> read_pattern(Context& context, const Raw& raw);
/// `true` or `false` without quotes; YAML 1.1's `yes` and `on` are text.
[[nodiscard]] std::optional<bool> read_flag(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Duration> read_duration(Context& context, const Raw& raw);
/// A duration of at least a millisecond, for what repeats.
[[nodiscard]] std::optional<Duration> read_period(Context& context, const Raw& raw);
[[nodiscard]] std::optional<Bytes> read_bytes(Context& context, const Raw& raw);
/// A signal's name or number.
[[nodiscard]] std::optional<int> read_signal(Context& context, const Raw& raw);
/// File mode bits in octal, with or without a leading 0 or 0o: at most 0777.
[[nodiscard]] std::optional<std::uint32_t> read_mode_mask(Context& context, const Raw& raw);
/// The same with the setuid, setgid and sticky bits: at most 07777.
[[nodiscard]] std::optional<std::uint32_t> read_permissions(Context& context, const Raw& raw);

/// A plain whole number within the bounds.
[[nodiscard]] std::optional<std::int64_t> read_integer(Context& context, const Raw& raw, std::int64_t least,
                                                       std::int64_t most);
/// A plain number, whole or with a fraction, within the bounds.
[[nodiscard]] std::optional<double> read_fraction(Context& context, const Raw& raw, double least,
                                                  double most);

template <typename T, std::int64_t Least, std::int64_t Most>
[[nodiscard]] std::optional<T> read_number(Context& context, const Raw& raw) {
  const auto value = read_integer(context, raw, Least, Most);
  return value ? std::optional(static_cast<T>(*value)) : std::nullopt;
}
inline constexpr auto read_port = read_number<std::uint16_t, 1, 65535>;
inline constexpr auto read_count = read_number<std::uint32_t, 0, 1'000'000>;
inline constexpr auto read_positive_count = read_number<std::uint32_t, 1, 1'000'000>;

/// One of a few words.
template <typename E>
struct Choice {
  std::string_view name;
  E value;
};

/// `'policy' expects always, on_failure or never, found 'on-failure'; did you mean 'on_failure'?`
void report_choices(Context& context, const Raw& raw, std::span<const std::string_view> names);

template <const auto& Choices>
[[nodiscard]] auto read_choice(Context& context, const Raw& raw)
    -> std::optional<decltype(Choices[0].value)> {
  const auto* scalar = std::get_if<RawScalar>(&raw.value);
  std::vector<std::string_view> names;
  for (const auto& choice : Choices) {
    if (scalar && scalar->text == choice.name) return choice.value;
    names.push_back(choice.name);
  }
  if (context.explores(raw, {ScalarShape::Kind::choice, 0, 0, names})) return std::nullopt;
  report_choices(context, raw, names);
  return std::nullopt;
}

}  // namespace kestrel::config
