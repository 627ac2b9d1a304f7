// How fast this machine's time stamp counter runs. A guest under TCG sees the very same counter, and on
// microvm has nothing to calibrate it against: without being told, one boot in seven hangs for ever.
#pragma once

#include <cstdint>

#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// Measures from its construction to the call of khz(): make it early, use it late.
class TscMeter {
 public:
  TscMeter();
  /// Waits where less than 10 ms have passed: two clock reads, each late by up to a microsecond, are then
  /// within 200 ppm. 0 on processors without such a counter.
  [[nodiscard]] std::uint32_t khz() const;

 private:
  std::uint64_t counter_ = 0;
  Duration clock_{};
};

}  // namespace kestrel::hostd
