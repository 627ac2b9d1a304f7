// Descriptors 0, 1 and 2. The kernel starts PID 1 without them where the image has no /dev/console, and a
// caller may have closed them; whatever is opened next would then become somebody's stdout.
#pragma once

#include <string>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Opens `device` (/dev/console in a guest, /dev/null elsewhere) for those of the three that are closed. It
/// does not become the controlling terminal. To be called before anything else is opened.
[[nodiscard]] Result<void> open_missing_stdio(const std::string& device);

}  // namespace kestrel::sys
