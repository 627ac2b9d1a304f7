// The only place where a clock is read.
#pragma once

#include "kestrel/base/time.h"

namespace kestrel::sys {

/// CLOCK_MONOTONIC.
[[nodiscard]] MonotonicTime monotonic_now();
/// CLOCK_REALTIME.
[[nodiscard]] WallTime wall_now();
[[nodiscard]] inline Now now() { return {monotonic_now(), wall_now()}; }

}  // namespace kestrel::sys
