#include "kestrel/sys/pressure.h"

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

namespace {

std::optional<Duration> total_of(std::string_view line) {
  constexpr std::string_view key = "total=";
  for (const std::string_view word : split(line, ' ')) {
    if (!word.starts_with(key)) continue;
    const auto count = parse_integer(word.substr(key.size()));
    if (count && *count >= 0) return std::chrono::microseconds(*count);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Pressure> parse_pressure(std::string_view text) {
  std::optional<Duration> some, full;
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("some ")) some = total_of(line);
    if (line.starts_with("full ")) full = total_of(line);
  }
  if (!some) return std::nullopt;
  return Pressure{*some, full};
}

std::optional<Pressure> read_pressure(std::string_view resource, const std::string& proc) {
  // Where it was turned off at boot the file is there, and reading it fails.
  const auto text = read_file(concat(proc, "/pressure/", resource));
  return text ? parse_pressure(*text) : std::nullopt;
}

}  // namespace kestrel::sys
