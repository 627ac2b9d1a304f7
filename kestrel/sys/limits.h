// How much a service may use: what the kernel holds each of its processes to, and what all of them together.
#pragma once

#include <cstdint>
#include <optional>

#include "kestrel/base/bytes.h"

namespace kestrel::sys {

/// Of the process that is started and, inherited, of each that it makes.
struct ProcessLimits {
  std::optional<std::uint64_t> open_files;  ///< RLIMIT_NOFILE, soft and hard
  std::optional<Bytes> core;                ///< RLIMIT_CORE, soft and hard
  std::optional<int> oom_score_adj;         ///< -1000 (spared) to 1000 (killed first), proc(5)
  std::optional<int> nice;                  ///< -20 to 19, setpriority(2)
};

/// Holds the calling process to them, in bare system calls and without memory of its own: for a child before
/// exec. False with errno.
[[nodiscard]] bool apply_limits(const ProcessLimits& limits) noexcept;

/// Of a whole containment; only a cgroup can enforce them.
struct SharedLimits {
  std::optional<Bytes> memory;
  std::optional<double> cpu;  ///< in processors: 0.5 is half the time of one
  std::optional<std::uint32_t> pids;
  [[nodiscard]] bool is_empty() const { return !memory && !cpu && !pids; }
  friend bool operator==(const SharedLimits&, const SharedLimits&) = default;
};

}  // namespace kestrel::sys
