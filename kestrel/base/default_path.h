// Where programs are looked for by whoever has no PATH.
#pragma once

#include <string_view>

namespace kestrel {

/// What Kestrel gives processes that are not told another one: the places of the Filesystem Hierarchy
/// Standard, the administrator's own first.
inline constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace kestrel
