// What can be shown on a descriptor.
#pragma once

#include "kestrel/base/output_style.h"

namespace kestrel::sys {

/// Looks at the descriptor and at the environment: NO_COLOR (https://no-color.org) and TERM.
[[nodiscard]] OutputStyle output_style_of(int fd);

}  // namespace kestrel::sys
