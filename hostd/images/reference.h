// What an image is called: `NAME`, or `NAME:VERSION`.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct ImageReference {
  std::string name;
  std::string version;  ///< empty: the one that was installed last
  friend bool operator==(const ImageReference&, const ImageReference&) = default;
};

/// Lower case letters, digits, `.`, `_` and `-`, which are not first; 64 characters at most. So it is a
/// file's name, too, and no path.
[[nodiscard]] bool is_image_name(std::string_view text);
/// The same, with upper case letters and `+`.
[[nodiscard]] bool is_image_version(std::string_view text);

[[nodiscard]] Result<ImageReference> parse_reference(std::string_view text);
[[nodiscard]] std::string format_reference(const ImageReference& reference);

}  // namespace kestrel::hostd
