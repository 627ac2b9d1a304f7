#include "kestrel/sys/clock_watch.h"

#include <sys/timerfd.h>

#include <cerrno>
#include <cstdint>
#include <limits>

namespace kestrel::sys {

Result<UniqueFd> open_clock_watch() {
  UniqueFd fd(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!fd.is_open()) return errno_error("cannot create a timer of the wall clock", errno);
  itimerspec never{};
  never.it_value.tv_sec = std::numeric_limits<time_t>::max();
  if (::timerfd_settime(fd.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) < 0) {
    return errno_error("cannot watch the wall clock", errno);
  }
  return fd;
}

bool hear_clock_was_set(int clock_watch) {
  std::uint64_t expirations = 0;
  return ::read(clock_watch, &expirations, sizeof expirations) < 0 && errno == ECANCELED;
}

}  // namespace kestrel::sys
