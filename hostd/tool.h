// Programs of others, run to their end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

struct Tool {
  std::vector<std::string> command;      ///< the program is as find_tool() finds it
  std::string working_dir = "/";         ///< absolute
  std::vector<std::string> environment;  ///< NAME=VALUE, besides our own
  /// Shows what it prints on our stderr; it is only shown where it fails otherwise.
  bool is_shown = false;
  std::optional<Duration> limit;  ///< it is killed then
};

/// Where it is: looked up in PATH and in the folders of the system's own tools, which the PATH of those who
/// are not root often lacks, unless it has a slash. The error says which package has it.
[[nodiscard]] Result<std::string> find_tool(const std::string& program);

/// What it has printed. An error where it is not there, with the package that has it, or ends with another
/// status than 0, with the last lines that it has printed. It is killed when we end.
[[nodiscard]] Result<std::string> run_tool(const Tool& tool);

}  // namespace kestrel::hostd
