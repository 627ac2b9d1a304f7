// Where the program's own log goes: the sinks for base/log.h.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/log.h"
#include "kestrel/base/time.h"

namespace kestrel::sys {

enum class LogFormat {
  text,  ///< `2026-01-31T12:00:00.000Z info  message`
  json,  ///< `{"time":"2026-01-31T12:00:00.000Z","level":"info","message":"…"}`
};

/// Of the level, in text. A machine's console is a terminal by its kind, but what is written to it goes into
/// files.
enum class LogColours { on_terminals, never };

/// From now on, log lines of `lowest` or above go to stderr, each in one write where that is no terminal.
/// Lines are cleaned of control characters, as they may quote strangers.
void log_to_stderr(LogFormat format, LogLevel lowest, LogColours colours = LogColours::on_terminals);

/// One line without its newline, as log_to_stderr writes it without colours.
[[nodiscard]] std::string format_log_line(LogFormat format, WallTime time, LogLevel level,
                                          std::string_view message);

}  // namespace kestrel::sys
