#include "kestrel/config/scalars.h"

#include <algorithm>
#include <cmath>

#include "kestrel/config/pattern.h"

namespace kestrel::config {
namespace {

using Form = ScalarShape::Kind;

constexpr std::size_t longest_name = 63;

bool is_name(std::string_view text) {
  const auto is_alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto belongs = [&](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; };
  return !text.empty() && text.size() <= longest_name && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), belongs);
}

/// The text of a scalar without quotes, else empty, which is no number.
std::string_view plain_text(const Raw& raw) {
  const auto* scalar = std::get_if<RawScalar>(&raw.value);
  return scalar && scalar->is_plain ? std::string_view(scalar->text) : std::string_view();
}

std::string_view any_text(const Raw& raw) {
  const auto* scalar = std::get_if<RawScalar>(&raw.value);
  return scalar ? std::string_view(scalar->text) : std::string_view();
}

std::optional<std::uint32_t> octal_number(const Raw& raw) {
  std::string_view digits = any_text(raw);
  if (digits.starts_with("0o")) digits.remove_prefix(2);
  std::uint32_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number, 8);
  if (parsed.ec == std::errc{} && parsed.ptr == end) return number;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> read_text(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::text})) return std::nullopt;
  const auto* scalar = std::get_if<RawScalar>(&raw.value);
  if (!scalar) {
    context.report_expected(raw, "text");
    return std::nullopt;
  }
  if (scalar->text.find('\0') != std::string::npos) {
    context.report(raw.at, concat(quoted(context.key), " contains a NUL character"));
    return std::nullopt;
  }
  return scalar->text;
}

std::optional<std::string> read_word(Context& context, const Raw& raw) {
  auto text = read_text(context, raw);
  if (!text || !text->empty()) return text;
  context.report(raw.at, concat(quoted(context.key), " is empty"));
  return std::nullopt;
}

std::optional<std::string> read_name(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::name})) return std::nullopt;
  auto text = read_text(context, raw);
  if (text && !is_name(*text)) {
    // The text is kept: whoever refers to this name shall not be told in addition that it does not exist.
    context.report(raw.at, concat(quoted(*text), " is not a valid name: at most ", longest_name,
                                  " of a-z, 0-9, '_', '.' and '-', the first a letter or digit"));
  }
  return text;
}

std::optional<std::string> read_absolute_path(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::path})) return std::nullopt;
  auto text = read_text(context, raw);
  if (!text || text->starts_with('/')) return text;
  context.report_expected(raw, "an absolute path");
  return std::nullopt;
}

std::optional<std::string> read_pattern(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::pattern})) return std::nullopt;
  const auto text = read_text(context, raw);
  if (!text) return std::nullopt;
  const auto error = pattern_error(*text);
  if (!error) return text;
  context.report(raw.at, concat(quoted(context.key), " is not a valid RE2 pattern: ", *error));
  return std::nullopt;
}

std::optional<bool> read_flag(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::flag})) return std::nullopt;
  const std::string_view text = plain_text(raw);
  if (text == "true") return true;
  if (text == "false") return false;
  context.report_expected(raw, "true or false");
  return std::nullopt;
}

std::optional<Duration> read_duration(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::duration})) return std::nullopt;
  const auto duration = parse_duration(any_text(raw));
  if (!duration) context.report_expected(raw, "a duration such as 250ms, 5s or 2m");
  return duration;
}

std::optional<Duration> read_period(Context& context, const Raw& raw) {
  const auto duration = read_duration(context, raw);
  if (!duration || *duration >= milliseconds(1)) return duration;
  context.report(raw.at, concat(quoted(context.key), " must be at least 1ms"));
  return std::nullopt;
}

std::optional<Bytes> read_bytes(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::size})) return std::nullopt;
  const auto bytes = parse_bytes(any_text(raw));
  if (!bytes) context.report_expected(raw, "a size such as 64M or 1G");
  return bytes;
}

std::optional<int> read_signal(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::signal})) return std::nullopt;
  const auto signal = parse_signal(any_text(raw));
  if (!signal) context.report_expected(raw, "a signal such as TERM or 15");
  return signal;
}

std::optional<std::uint32_t> read_mode_mask(Context& context, const Raw& raw) {
  if (context.explores(raw, {Form::mode_mask})) return std::nullopt;
  const auto mask = octal_number(raw);
  if (mask && *mask <= 0777) return mask;
  context.report_expected(raw, "octal digits from 000 to 777");
  return std::nullopt;
}

std::optional<std::uint32_t> read_permissions(Context& context, const Raw& raw) {
  const auto bits = octal_number(raw);
  if (bits && *bits <= 07777) return bits;
  context.report_expected(raw, "octal digits from 000 to 7777");
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(Context& context, const Raw& raw, std::int64_t least,
                                         std::int64_t most) {
  const ScalarShape shape{Form::integer, static_cast<double>(least), static_cast<double>(most)};
  if (context.explores(raw, shape)) return std::nullopt;
  const auto value = parse_integer(plain_text(raw));
  if (value && *value >= least && *value <= most) return value;
  context.report_expected(raw, concat("a whole number from ", least, " to ", most));
  return std::nullopt;
}

std::optional<double> read_fraction(Context& context, const Raw& raw, double least, double most) {
  if (context.explores(raw, {Form::number, least, most})) return std::nullopt;
  const std::string_view text = plain_text(raw);
  const char* end = text.data() + text.size();
  double value = 0;
  const auto parsed = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (!text.empty() && parsed.ec == std::errc{} && parsed.ptr == end && value >= least && value <= most)
    return value;
  // Every bound in the tables is a whole number.
  context.report_expected(raw, concat("a number from ", std::lround(least), " to ", std::lround(most)));
  return std::nullopt;
}

void report_choices(Context& context, const Raw& raw, std::span<const std::string_view> names) {
  std::string expected;
  for (const std::string_view& name : names) {
    if (&name != &names.front()) expected.append(&name == &names.back() ? " or " : ", ");
    expected.append(name);
  }
  const auto meant = nearest(any_text(raw), names);
  context.report(raw.at, concat(quoted(context.key), " expects ", expected, ", found ", describe_found(raw),
                                meant ? concat("; did you mean '", *meant, "'?") : ""));
}

}  // namespace kestrel::config
