#include "hostd/cli/timeline_command.h"

#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "hostd/cli/timeline.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

int refuse(const TimelineOptions& options, const Error& error) {
  return fail(ExitCode::host_error, concat("cannot show the timeline of ", options.vm, ": ", error.message));
}

}  // namespace

int timeline_command(const TimelineOptions& options) {
  const auto socket = locate_guest_api("show the timeline of", options.vm);
  if (!socket) return to_status(ExitCode::host_error);
  const auto json = ask_api(*socket, "/v1/timeline", seconds(10));
  if (!json) return refuse(options, json.error());
  if (!options.is_picture && options.format != OutputFormat::table) {
    std::fputs(in_format(options.format, *json).c_str(), stdout);
    return 0;
  }
  const auto timeline = parse_timeline(*json);
  if (!timeline) return refuse(options, timeline.error());
  const std::string text =
      options.is_picture ? timeline_svg(*timeline, options.vm) : timeline_text(*timeline);
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace kestrel::hostd
