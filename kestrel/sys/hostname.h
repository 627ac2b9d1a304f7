// The machine's name.
#pragma once

#include <string>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// At most 64 bytes (sethostname(2)).
[[nodiscard]] Result<void> set_hostname(const std::string& name);
/// Empty if the machine has been given none.
[[nodiscard]] std::string hostname();

}  // namespace kestrel::sys
