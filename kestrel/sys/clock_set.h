// Setting the wall clock. MonotonicTime, and with it every deadline, does not notice.
#pragma once

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::sys {

/// Steps CLOCK_REALTIME to a time since 1970.
[[nodiscard]] Result<void> step_wall_clock(Duration since_epoch);

}  // namespace kestrel::sys
