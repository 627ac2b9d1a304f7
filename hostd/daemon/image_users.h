// Who uses files of installed images: every VM that runs, whoever started it, and everything that hostd has
// in its registry and may start at any moment.
#pragma once

#include <string>

#include "hostd/images/store.h"
#include "hostd/registry/registry.h"

namespace kestrel::hostd {

[[nodiscard]] Result<ImageUsers> image_users(Registry& registry);
/// The same for who is not hostd, with the registry of that state folder, where there is one.
[[nodiscard]] Result<ImageUsers> image_users(const std::string& state_dir);

}  // namespace kestrel::hostd
