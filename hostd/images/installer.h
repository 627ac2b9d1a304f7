// Putting images into the store.
#pragma once

#include <string>

#include "hostd/images/store.h"

namespace kestrel::hostd {

/// Installs the image in `path`, a folder or an archive with a manifest (bundle.h), after its checksums were
/// found right. One of the same name and version is replaced; VMs that use that one keep their files.
[[nodiscard]] Result<StoredImage> install_image(const Store& store, const std::string& path,
                                                const FindImageUsers& find_users);

}  // namespace kestrel::hostd
