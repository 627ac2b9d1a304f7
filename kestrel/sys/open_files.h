// How many descriptors a process may hold. A supervisor of many services needs more than the customary 1024;
// a service must not inherit that, as programs that use select() break beyond it, and those that want more
// raise their soft limit.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Raises the soft limit to `wanted`, and the hard one where that is lower and we may; takes what is to be
/// had if that is less. From then on spawn() gives children the soft limit of before, below the new hard one.
[[nodiscard]] Result<void> raise_open_files(std::uint64_t wanted);

/// Raises the soft limit to the hard one as far as may be, for children, too.
void use_all_open_files();

/// What a child has to be given back; nullopt where nothing was raised.
[[nodiscard]] std::optional<rlimit> open_files_for_children();

}  // namespace kestrel::sys
