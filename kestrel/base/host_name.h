// Host and domain names.
#pragma once

#include <string_view>

namespace kestrel {

/// The longest name a Linux machine can have (HOST_NAME_MAX).
inline constexpr std::size_t longest_host_name = 64;

/// Labels of letters, digits and inner hyphens, with dots between them (RFC 1123), in at most `longest`
/// bytes.
[[nodiscard]] bool is_host_name(std::string_view name, std::size_t longest = longest_host_name);

}  // namespace kestrel
