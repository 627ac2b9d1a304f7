// A process that is not our child, told apart from a later one of the same number by when it began.
#pragma once

#include <cstdint>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct ProcessHandle {
  int pid = 0;
  std::uint64_t start_ticks = 0;
};

/// When it began, in clock ticks since the host did (field 22 of /proc/PID/stat); 0: there is no such
/// process.
[[nodiscard]] std::uint64_t start_ticks_of(int pid);

/// SIGKILL, through a pidfd: between the look at when it began and the signal the number can mean no other.
/// Error code ESRCH: it has ended.
[[nodiscard]] Result<void> kill_process(const ProcessHandle& process);

}  // namespace kestrel::hostd
