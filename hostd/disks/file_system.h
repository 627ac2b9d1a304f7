// Making a file system in a file, by the system's own program.
#pragma once

#include <string>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// The program that does it: an absolute path. Where there is none, the error says how to get it.
[[nodiscard]] Result<std::string> find_file_system_maker();

/// An empty ext4 that fills the file `path`.
[[nodiscard]] Result<void> make_file_system(const std::string& path);

}  // namespace kestrel::hostd
