// When schedules are due, for the core: cron expressions and the image's time zones.
#pragma once

#include "kestrel/core/supervisor.h"

namespace kestrel::app {

/// Time zones are read once, when a schedule first needs them. One that cannot be read is logged, and its
/// schedules are never due.
[[nodiscard]] core::NextDue make_schedule_book();

}  // namespace kestrel::app
