#include "kestrel/base/log.h"

namespace kestrel {

namespace {
LogSink current_sink = nullptr;
LogLevel lowest_level = LogLevel::info;
}  // namespace

void set_log_sink(LogSink sink, LogLevel lowest) {
  current_sink = sink;
  lowest_level = lowest;
}

bool is_logged(LogLevel level) { return current_sink != nullptr && level >= lowest_level; }

void log_line(LogLevel level, std::string_view line) {
  if (is_logged(level)) current_sink(level, line);
}

}  // namespace kestrel
