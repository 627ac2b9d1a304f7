// Points in time and lengths of time.
//
// MonotonicTime counts from an arbitrary origin, never jumps, and is all that decisions use: deadlines,
// backoff, uptime. WallTime is for people and logs; it may be stepped by the host at any moment, so nothing
// is computed from it. Neither clock has a now(): pure code is handed the time, the edge reads it
// (sys/clock.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>

namespace kestrel {

using Duration = std::chrono::nanoseconds;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct MonotonicClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

using MonotonicTime = MonotonicClock::time_point;
using WallTime = std::chrono::sys_time<milliseconds>;

/// Both clocks read at one moment.
struct Now {
  MonotonicTime monotonic;
  WallTime wall;
};

[[nodiscard]] constexpr std::int64_t to_ms(Duration d) {
  return std::chrono::duration_cast<milliseconds>(d).count();
}
[[nodiscard]] constexpr std::int64_t to_ms(MonotonicTime t) { return to_ms(t.time_since_epoch()); }

}  // namespace kestrel
