#include "kestrel/sys/clock.h"

#include <time.h>

namespace kestrel::sys {

namespace {
Duration read(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return seconds(t.tv_sec) + Duration(t.tv_nsec);
}
}  // namespace

MonotonicTime monotonic_now() { return MonotonicTime(read(CLOCK_MONOTONIC)); }

WallTime wall_now() { return WallTime(std::chrono::duration_cast<milliseconds>(read(CLOCK_REALTIME))); }

}  // namespace kestrel::sys
