// `kestrel reload [FILE] [--dry-run]`: lets a running kestrel follow another configuration.
#pragma once

#include <string>

#include "kestrel/app/client_commands.h"
#include "kestrel/control/guest.h"

namespace kestrel::app {

/// Where a guest has its configuration.
inline constexpr auto default_config_path = "/etc/kestrel/config.yaml";

/// Reads the file here, hands its text to the API and shows the plan. What is wrong with it is told as by
/// `kestrel check`, with status 1; then nothing changes.
[[nodiscard]] int reload_services(const ClientOptions& options, const std::string& file,
                                  control::ReloadMode mode);

}  // namespace kestrel::app
