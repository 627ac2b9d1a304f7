// Hears of it when somebody sets the wall clock: timerfd_create(2), TFD_TIMER_CANCEL_ON_SET.
#pragma once

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

/// A descriptor that is readable once CLOCK_REALTIME was set, until hear_clock_was_set().
[[nodiscard]] Result<UniqueFd> open_clock_watch();
/// Takes the news; whether there were any. The descriptor waits for the next time.
bool hear_clock_was_set(int clock_watch);

}  // namespace kestrel::sys
