// From what a user calls an image to the image.
#pragma once

#include <string>

#include "hostd/image.h"
#include "hostd/images/store.h"

namespace kestrel::hostd {

/// A text with a slash in it is a path (image.h). Another one is an installed image's reference; where there
/// is none of that name, it is a path, too.
[[nodiscard]] Result<Image> find_image(const Store& store, const std::string& text);

}  // namespace kestrel::hostd
