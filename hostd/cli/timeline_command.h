// `kestrelctl timeline`: how a guest's boot went.
#pragma once

#include <string>

#include "hostd/cli/query_commands.h"

namespace kestrel::hostd {

struct TimelineOptions {
  std::string vm;           ///< or `unix:PATH`
  bool is_picture = false;  ///< as SVG
  OutputFormat format = OutputFormat::table;
};
[[nodiscard]] int timeline_command(const TimelineOptions& options);

}  // namespace kestrel::hostd
