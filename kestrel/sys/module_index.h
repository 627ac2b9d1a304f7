// Kernel modules by name: which files a name stands for, and in what order they have to be loaded.
//
// Distributions index their modules with depmod, whose modules.dep names each module's file and those that it
// needs. An image that was made without it has but the list in kestrel.order, all of which is loaded already.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// The module's name of a file's path, or of a name: `-` and `_` are the same to the kernel, which uses `_`.
[[nodiscard]] std::string module_name(std::string_view path);

/// The files to load for `name`, each after those it needs, as modules.dep(5) writes them; nullopt if it has
/// no such module.
[[nodiscard]] std::optional<std::vector<std::string>> files_in_load_order(std::string_view modules_dep,
                                                                          std::string_view name);

/// Loads the module `name`, with what it needs, from `root`/lib/modules/`version` or, failing that, from the
/// image's list. Success too if it is loaded or built in.
[[nodiscard]] Result<void> load_module_by_name(const std::string& root, const std::string& version,
                                               std::string_view name);

/// That of the running kernel, as uname(2) has it.
[[nodiscard]] std::string kernel_version();

}  // namespace kestrel::sys
