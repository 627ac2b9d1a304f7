// The configuration as it lies in a file: read at boot, and again when a signal says so.
#pragma once

#include <string>

#include "kestrel/config/load.h"
#include "kestrel/control/guest.h"

namespace kestrel::app {

struct ConfigFile {
  control::ConfigText config;
  config::Loaded loaded;
};

/// A file that cannot be read is a problem of its text.
[[nodiscard]] ConfigFile read_config(const std::string& path);

/// What SIGHUP does. What comes of it is logged: the plan, or all that is wrong; then nothing changes.
void reload_config(control::Guest& guest, const std::string& path);

}  // namespace kestrel::app
