// This boot of the machine: its name and its age.
#pragma once

#include <string>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::sys {

/// A UUID that the kernel makes at each boot (random(4)).
[[nodiscard]] Result<std::string> boot_id(const std::string& proc = "/proc");

/// Since the kernel started, suspended times included (CLOCK_BOOTTIME).
[[nodiscard]] Duration uptime();

}  // namespace kestrel::sys
