// What changes when one valid configuration takes the place of another. Pure; `kestrel reload --dry-run`
// shows it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kestrel/config/model.h"

namespace kestrel::core {

/// Names of services, each in exactly one of the first five lists, in the order of the configuration
/// (removed: of the old one).
struct ReloadPlan {
  std::vector<std::string> unchanged;
  std::vector<std::string> updated;  ///< what changed needs no new process: checks, restart rules, order, log
  std::vector<std::string> restarted;  ///< what the process is made of changed
  std::vector<std::string> added;
  std::vector<std::string> removed;
  /// Why: the keys that differ, of each service that is updated or restarted.
  std::map<std::string, std::vector<std::string>> changed_keys;
  /// Keys of the guest as a whole that differ and take effect at once.
  std::vector<std::string> guest;
  /// Those that take effect only at the next boot.
  std::vector<std::string> needs_boot;
  friend bool operator==(const ReloadPlan&, const ReloadPlan&) = default;
};

[[nodiscard]] ReloadPlan plan_reload(const config::Model& from, const config::Model& to);

}  // namespace kestrel::core
