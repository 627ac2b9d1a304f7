#include "kestrel/sys/log_output.h"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/output_style.h"

namespace kestrel::sys {

namespace {

struct LevelNames {
  std::string_view text;  ///< of equal length, so that messages stand in a column
  std::string_view json;
  spdlog::level::level_enum spdlog;
};

LevelNames names_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return {"debug", "debug", spdlog::level::debug};
    case LogLevel::info:
      return {"info ", "info", spdlog::level::info};
    case LogLevel::warning:
      return {"warn ", "warning", spdlog::level::warn};
    case LogLevel::error:
      return {"error", "error", spdlog::level::err};
  }
  return {};
}

constexpr std::size_t time_length = std::string_view("2026-01-31T12:00:00.000Z ").size();

/// What printable() leaves needs no more than these.
std::string json_escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\t') {
      out.append("\\t");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

/// Lines reach spdlog complete; this passes them on and tells which part is in colour.
class CompleteLine : public spdlog::formatter {
 public:
  explicit CompleteLine(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    out.append(message.payload.begin(), message.payload.end());
    out.push_back('\n');
    if (format_ == LogFormat::json) return;
    message.color_range_start = time_length;
    message.color_range_end = time_length + names_of(LogLevel::info).text.size();
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<CompleteLine>(format_);
  }

 private:
  LogFormat format_;
};

struct Output {
  LogFormat format;
  spdlog::logger logger;
  std::uint64_t dropped = 0;  ///< since the last line that was written
};
std::unique_ptr<Output> output;

/// False: a write would wait for the reader of standard error, and PID 1 waits for nobody. (A pipe that is
/// writable takes 4096 bytes at once, pipe(7).)
bool is_read() {
  pollfd one{STDERR_FILENO, POLLOUT, 0};
  return ::poll(&one, 1, 0) != 0;
}

void print_line(LogLevel level, std::string_view message) {
  const std::string line = format_log_line(output->format, wall_now(), level, message);
  output->logger.log(names_of(level).spdlog, spdlog::string_view_t(line.data(), line.size()));
}

void write_line(LogLevel level, std::string_view message) {
  if (!is_read()) {
    ++output->dropped;
    return;
  }
  if (const auto dropped = std::exchange(output->dropped, 0); dropped > 0)
    print_line(LogLevel::warning, concat(dropped, " messages dropped: standard error is not read"));
  print_line(level, message);
}

}  // namespace

std::string format_log_line(LogFormat format, WallTime time, LogLevel level, std::string_view message) {
  const LevelNames names = names_of(level);
  const std::string clean = printable(message);
  if (format == LogFormat::text) return concat(format_time(time), ' ', names.text, ' ', clean);
  return concat(R"({"time":")", format_time(time), R"(","level":")", names.json, R"(","message":")",
                json_escaped(clean), R"("})");
}

void log_to_stderr(LogFormat format, LogLevel lowest, LogColours colours) {
  const bool is_coloured = colours == LogColours::on_terminals && output_style_of(STDERR_FILENO).has_colours;
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_st>(
      is_coloured ? spdlog::color_mode::always : spdlog::color_mode::never);
  output = std::make_unique<Output>(Output{format, spdlog::logger("kestrel", std::move(sink))});
  output->logger.set_formatter(std::make_unique<CompleteLine>(format));
  output->logger.set_level(spdlog::level::trace);
  set_log_sink(write_line, lowest);
}

}  // namespace kestrel::sys
