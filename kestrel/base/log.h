// The program's own log, as an interface: one line a message, a level, no formatting of its own.
// Only edges log (main, app/, control/, the runner); pure code returns errors instead. Where lines go is
// decided once, in main, with set_log_sink (sys/log_output.h has the sinks). Without a sink nothing is
// printed.
#pragma once

#include <string_view>

#include "kestrel/base/text.h"

namespace kestrel {

enum class LogLevel { debug, info, warning, error };

using LogSink = void (*)(LogLevel level, std::string_view line);

/// Not thread safe: call it once, before the first message.
void set_log_sink(LogSink sink, LogLevel lowest);

[[nodiscard]] bool is_logged(LogLevel level);
void log_line(LogLevel level, std::string_view line);

template <typename... Parts>
void log(LogLevel level, const Parts&... parts) {
  if (is_logged(level)) log_line(level, concat(parts...));
}
template <typename... Parts>
void log_debug(const Parts&... parts) {
  log(LogLevel::debug, parts...);
}
template <typename... Parts>
void log_info(const Parts&... parts) {
  log(LogLevel::info, parts...);
}
template <typename... Parts>
void log_warning(const Parts&... parts) {
  log(LogLevel::warning, parts...);
}
template <typename... Parts>
void log_error(const Parts&... parts) {
  log(LogLevel::error, parts...);
}

}  // namespace kestrel
