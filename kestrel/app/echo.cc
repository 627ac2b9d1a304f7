#include "kestrel/app/echo.h"

#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"

namespace kestrel::app {

std::function<void(control::LogSource, control::LogStream, std::string_view line)> make_echo(
    Console& console, const control::LogRing& ring, sys::LogFormat format) {
  if (format == sys::LogFormat::text) {
    return [&console, &ring](control::LogSource source, control::LogStream, std::string_view line) {
      console.write_line(concat("[", ring.name(source), "] ", line));
    };
  }
  return [&console, &ring](control::LogSource source, control::LogStream stream, std::string_view line) {
    const nlohmann::json record = {{"time", format_time(sys::wall_now())},
                                   {"service", ring.name(source)},
                                   {"stream", std::string(name_of(stream))},
                                   {"line", std::string(line)}};
    console.write_line(record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  };
}

}  // namespace kestrel::app
