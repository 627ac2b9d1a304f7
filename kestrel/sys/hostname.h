// The machine's name.
#pragma once

#include <string>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// At most 64 bytes (sethostname(2)).
[[nodiscard]] Result<void> set_hostname(const std::string& name);
/// As the kernel has it; empty if it cannot be had.
[[nodiscard]] std::string hostname();

}  // namespace kestrel::sys
