// Kernel modules. The image names them in the order in which they have to be loaded, so nothing is resolved
// here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::sys {

struct Module {
  std::string path;        ///< below the root, without a leading slash
  std::string parameters;  ///< `name=value name=value`; mostly empty
  friend bool operator==(const Module&, const Module&) = default;
};

/// One module a line, its path and then its parameters; empty lines and those that begin with # are none.
[[nodiscard]] std::vector<Module> parse_module_list(std::string_view text);

/// Loads one. That it is loaded or built in already is success. Compressed files (.xz, .zst, .gz) need a
/// kernel that can read them (CONFIG_MODULE_DECOMPRESS, 5.17).
[[nodiscard]] Result<void> load_module(const std::string& root, const Module& module);

/// Loads all that the list at `root`/`list` names, and returns what failed. A missing list is an empty one.
[[nodiscard]] std::vector<Error> load_modules(const std::string& root, std::string_view list);

}  // namespace kestrel::sys
