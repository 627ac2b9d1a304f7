// Making a file system in a file, by the system's own program.
#pragma once

#include <string>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// The program that does it (find_tool()).
inline constexpr const char* file_system_maker = "mke2fs";

/// An empty ext4 that fills the file `path`.
[[nodiscard]] Result<void> make_file_system(const std::string& path);

}  // namespace kestrel::hostd
