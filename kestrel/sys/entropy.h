// The kernel's random number generator. A guest just born may have no entropy of its own, and the first
// program that asks for random bytes would wait.
#pragma once

#include <string_view>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Most that is taken at once: what the kernel's pool can make use of.
inline constexpr Bytes most_entropy{512};

/// Mixes in `seed` and counts all its bits as random, so it has to be secret and used once. One that is empty
/// or larger than most_entropy is refused.
[[nodiscard]] Result<void> credit_entropy(std::string_view seed);

}  // namespace kestrel::sys
