#include "kestrel/app/standstill.h"

#include <algorithm>

namespace kestrel::app {

namespace {
/// A loaded machine serves timers late, too, but not by this much.
constexpr Duration meaningful = seconds(2);
/// The host's word of the same standstill does not take longer.
constexpr Duration same_standstill = seconds(10);
}  // namespace

Duration Standstill::note_served(MonotonicTime due, MonotonicTime now) {
  const Duration late = now - due;
  if (late < meaningful) return {};
  noticed_ = now - noticed_at_ < same_standstill ? noticed_ + late : late;
  noticed_at_ = now;
  return late;
}

Duration Standstill::note_resumed(Duration paused, Duration clock_error, MonotonicTime now) {
  const Duration clock_stood = std::clamp(-clock_error, Duration::zero(), std::max(paused, Duration::zero()));
  const Duration passed = paused - clock_stood;
  const Duration known = now - noticed_at_ < same_standstill ? noticed_ : Duration::zero();
  noticed_ = {};
  return std::max(passed - known, Duration::zero());
}

}  // namespace kestrel::app
