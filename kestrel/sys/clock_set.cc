#include "kestrel/sys/clock_set.h"

#include <time.h>

#include <cerrno>

namespace kestrel::sys {

Result<void> step_wall_clock(Duration since_epoch) {
  const auto whole = std::chrono::floor<seconds>(since_epoch);
  const timespec time{static_cast<time_t>(whole.count()), static_cast<long>((since_epoch - whole).count())};
  if (::clock_settime(CLOCK_REALTIME, &time) == 0) return {};
  return errno_error("cannot set the clock", errno);
}

}  // namespace kestrel::sys
