// `kestrelctl volumes`: the volumes of this host, whether VMs use them or not.
#pragma once

#include <string>
#include <vector>

#include "hostd/cli/output_format.h"

namespace kestrel::hostd {

[[nodiscard]] int list_volumes_command(OutputFormat format);
/// Only the names, one a line.
[[nodiscard]] int list_volume_names_command();
/// With all that is in them. Goes on after one that cannot be removed.
[[nodiscard]] int remove_volumes_command(const std::vector<std::string>& names);

}  // namespace kestrel::hostd
