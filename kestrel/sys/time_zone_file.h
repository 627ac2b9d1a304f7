// Time zones of a root filesystem: the files of its tzdata package.
#pragma once

#include <string>

#include "kestrel/base/result.h"
#include "kestrel/base/time_zone.h"

namespace kestrel::sys {

/// `ROOT/usr/share/zoneinfo/NAME`, such as `Europe/Berlin`. `UTC` needs no file: images without tzdata have
/// it, too. A name that could lead anywhere else is an error.
[[nodiscard]] Result<TimeZone> load_time_zone(const std::string& name, const std::string& root = "/");

}  // namespace kestrel::sys
