// The files that user-data ask for (config/cloud_config.h).
#pragma once

#include <string>
#include <vector>

#include "kestrel/config/cloud_config.h"

namespace kestrel::app {

/// Writes them in order, each all at once; folders on the way are made. Symlinks are followed on the way to a
/// file but not at its name, where they are replaced. Goes on after a failure, and returns what failed.
/// `root` is a folder which no path leads out of, "/" for the running system.
[[nodiscard]] std::vector<std::string> write_cloud_files(const std::vector<config::WrittenFile>& files,
                                                         const std::string& root);

}  // namespace kestrel::app
