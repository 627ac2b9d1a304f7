// How often a service was restarted, by what ended the run before. Pure.
#pragma once

#include "kestrel/control/guest.h"

namespace kestrel::app {

class RestartTally {
 public:
  /// At a start: how many restarts there have been by now, and how the run before it ended.
  void note(std::uint32_t restarts, core::ExitCause last_end) {
    if (restarts > seen_) counts_[static_cast<std::size_t>(last_end)] += restarts - seen_;
    seen_ = restarts;
  }
  [[nodiscard]] const control::RestartCounts& counts() const { return counts_; }

 private:
  std::uint32_t seen_ = 0;
  control::RestartCounts counts_{};
};

}  // namespace kestrel::app
