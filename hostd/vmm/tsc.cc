#include "hostd/vmm/tsc.h"

#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace kestrel::hostd {

#if defined(__x86_64__)

namespace {

/// Unlike CLOCK_MONOTONIC it is not slewed by NTP.
Duration raw_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return seconds(now.tv_sec) + Duration(now.tv_nsec);
}

}  // namespace

TscMeter::TscMeter() : counter_(__rdtsc()), clock_(raw_clock()) {}

std::uint32_t TscMeter::khz() const {
  constexpr Duration least = milliseconds(10);
  if (const Duration passed = raw_clock() - clock_; passed < least) {
    const timespec rest{0, static_cast<long>((least - passed).count())};
    ::nanosleep(&rest, nullptr);
  }
  const std::uint64_t ticks = __rdtsc() - counter_;
  const auto nanoseconds = (raw_clock() - clock_).count();
  return static_cast<std::uint32_t>(static_cast<double>(ticks) * 1e6 / static_cast<double>(nanoseconds));
}

#else

TscMeter::TscMeter() = default;
std::uint32_t TscMeter::khz() const { return 0; }

#endif

}  // namespace kestrel::hostd
