#include "kestrel/app/notify_message.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "kestrel/base/text.h"

namespace kestrel::app {

namespace {

constexpr std::size_t longest_status = 1024;
/// As good as forever, and far from where a point in time would overflow.
constexpr Duration longest_time = hours(24 * 365);

std::optional<Duration> parse_microseconds(std::string_view value) {
  const auto count = parse_integer(value);
  if (!count || *count < 0) return std::nullopt;
  const auto longest = std::chrono::duration_cast<std::chrono::microseconds>(longest_time);
  return std::min(std::chrono::microseconds(*count), longest);
}

std::optional<int> parse_pid(std::string_view value) {
  const auto pid = parse_integer(value);
  if (!pid || *pid < 1 || *pid > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(*pid);
}

template <typename T>
void keep(std::optional<T> value, std::optional<T>& into) {
  if (value) into = std::move(value);
}

void take(std::string_view name, std::string_view value, NotifyMessage& into) {
  if (name == "READY") into.is_ready |= value == "1";
  if (name == "STOPPING") into.is_stopping |= value == "1";
  if (name == "RELOADING") into.is_reloading |= value == "1";
  if (name == "WATCHDOG") {
    into.is_alive |= value == "1";
    into.gives_up |= value == "trigger";
  }
  if (name == "STATUS") into.status = std::string(value.substr(0, longest_status));
  if (name == "MAINPID") keep(parse_pid(value), into.main_pid);
  if (name == "WATCHDOG_USEC") keep(parse_microseconds(value), into.watchdog);
  if (name == "EXTEND_TIMEOUT_USEC") keep(parse_microseconds(value), into.extends_by);
}

}  // namespace

NotifyMessage parse_notify_message(std::string_view text) {
  NotifyMessage message;
  for (const std::string_view line : split(text, '\n')) {
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) take(line.substr(0, equals), line.substr(equals + 1), message);
  }
  return message;
}

}  // namespace kestrel::app
