// Mending a file system before it is mounted, by e2fsck where the image has it.
#pragma once

#include <string>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Where e2fsck is looked for: as a distribution has it, and as e2fsck-static has it.
[[nodiscard]] const std::vector<std::string>& file_system_checkers();

/// Where `device` holds an ext file system that needs a check, has it mended as far as nobody has to be asked
/// (`e2fsck -p`), and returns what is to be told about that; empty: there was nothing to do. An error: it
/// could not be mended, and should not be mounted. Without an e2fsck it is left as it is, which is told.
[[nodiscard]] Result<std::string> check_file_system(
    const std::string& device, const std::vector<std::string>& checkers = file_system_checkers());

}  // namespace kestrel::sys
