// Programs of others that a build needs, run to their end.
#pragma once

#include <string>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct Tool {
  std::vector<std::string> command;      ///< the program is looked up in PATH unless it has a slash
  std::string working_dir = "/";         ///< absolute
  std::vector<std::string> environment;  ///< NAME=VALUE, besides our own
  /// Shows what it prints on our stderr; it is only shown where it fails otherwise.
  bool is_shown = false;
};

/// What it has printed. An error where it is not there, with the package that has it, or ends with another
/// status than 0, with the last lines that it has printed. It is killed when we end.
[[nodiscard]] Result<std::string> run_tool(const Tool& tool);

}  // namespace kestrel::hostd
