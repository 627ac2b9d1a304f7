// The network of a guest, as far as PID 1 sets it up itself.
#pragma once

#include <string>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Sets an interface up. The kernel gives `lo` its addresses (127.0.0.1 and ::1) by itself when it comes up.
[[nodiscard]] Result<void> bring_up_interface(const std::string& name);

}  // namespace kestrel::sys
