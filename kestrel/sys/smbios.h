// What the machine's firmware says in the System Management BIOS tables (DMTF DSP0134), as the kernel hands
// them on in /sys/firmware/dmi/tables/DMI. Pure.
#pragma once

#include <string_view>
#include <vector>

namespace kestrel::sys {

/// The strings of all structures of type 11, "OEM Strings", in their order; views into `table`. What is cut
/// off or makes no sense ends the reading.
[[nodiscard]] std::vector<std::string_view> oem_strings(std::string_view table);

}  // namespace kestrel::sys
