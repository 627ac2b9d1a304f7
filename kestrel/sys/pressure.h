// Pressure stall information: for how long tasks have waited for a resource
// (Documentation/accounting/psi.rst).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::sys {

/// Since the kernel started.
struct Pressure {
  Duration some{};  ///< at least one task waited
  std::optional<Duration>
      full;  ///< all that could have run did; of the processor as a whole it means nothing
};

/// Of `cpu`, `memory` or `io`; nullopt where the kernel keeps no account of it.
[[nodiscard]] std::optional<Pressure> read_pressure(std::string_view resource,
                                                    const std::string& proc = "/proc");

/// What such a file says: `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234`, in microseconds, and a line
/// for `full`.
[[nodiscard]] std::optional<Pressure> parse_pressure(std::string_view text);

}  // namespace kestrel::sys
