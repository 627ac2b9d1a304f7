// How much time has passed in which nothing could run: the whole machine stood still, or this process did.
//
// Some clocks stop with the machine, others go on (a guest under KVM that reads the processor's counter):
// then deadlines have passed that nobody had a chance to meet. It shows in two ways: a timer is served long
// after it was due, at once when things go on; and the host says so, a little later. Both may tell of the
// same standstill.
#pragma once

#include "kestrel/base/time.h"

namespace kestrel::app {

class Standstill {
 public:
  /// A deadline is served. The result is what all deadlines are to be moved by; zero where it is not late
  /// enough to mean anything.
  [[nodiscard]] Duration note_served(MonotonicTime due, MonotonicTime now);
  /// The host says that the guest was paused for so long; its wall clock is off by `clock_error` since then.
  /// What the wall clock has missed, MonotonicTime has missed, too, and no deadline with it.
  [[nodiscard]] Duration note_resumed(Duration paused, Duration clock_error, MonotonicTime now);

 private:
  Duration noticed_{};  ///< and not yet confirmed by the host
  MonotonicTime noticed_at_{};
};

}  // namespace kestrel::app
