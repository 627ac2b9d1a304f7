// The kernel modules of an image: which ones it needs, in what order they load, and where they come from.
//
// Packages that were only unpacked have no modules.dep (depmod runs at installation), so the order comes from
// the modules themselves: each names what it depends on.
#pragma once

#include <string>
#include <vector>

#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// What a word of `needs` stands for: the modules of the set of that name (docs/images.md), else itself.
[[nodiscard]] std::vector<std::string> modules_of_need(const std::string& need);

/// Puts the modules that are needed, with those they depend on, uncompressed below lib/modules/VERSION, and
/// their list into lib/modules/kestrel.order, each after what it depends on. `folder` is a kernel's
/// lib/modules/VERSION; what modules.builtin names there needs no file.
[[nodiscard]] Result<void> add_modules(Tree& tree, const std::string& folder,
                                       const std::vector<std::string>& needs);

/// Whether modules.builtin in the folder says that the kernel has all of them built in.
[[nodiscard]] bool has_built_in(const std::string& folder, const std::vector<std::string>& names);

}  // namespace kestrel::hostd
