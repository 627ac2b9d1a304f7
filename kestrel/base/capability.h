// Capabilities, the parts that root's power is divided into (capabilities(7)): names, numbers and sets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel {

/// A bit for each capability, the one of its number; the kernel has room for 64.
using CapabilitySet = std::uint64_t;

/// The number of `net_bind_service`, also as `NET_BIND_SERVICE` or `CAP_NET_BIND_SERVICE`; nullopt for an
/// unknown name.
[[nodiscard]] std::optional<int> parse_capability(std::string_view name);
/// The known capability that was most likely meant.
[[nodiscard]] std::optional<std::string_view> nearest_capability(std::string_view name);

/// The set of those names; unknown ones are left out.
[[nodiscard]] CapabilitySet capability_set(const std::vector<std::string>& names);

}  // namespace kestrel
