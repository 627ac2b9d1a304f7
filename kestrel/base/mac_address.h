// The address of an Ethernet card.
#pragma once

#include <array>
#include <cstdint>

namespace kestrel {

using MacAddress = std::array<std::uint8_t, 6>;

}  // namespace kestrel
