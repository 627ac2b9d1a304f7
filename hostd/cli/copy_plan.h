// `kestrelctl cp`: what its two sides mean, and where in the destination the source goes. Pure. The rules are
// those of `docker cp`.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct CopySide {
  enum class Kind {
    local,
    guest,    ///< VM:PATH, or unix:SOCKET:PATH; a path is absolute, with or without a slash in front
    archive,  ///< `-`: a tar archive on standard input or output
  };
  Kind kind = Kind::local;
  std::string vm;
  std::string path;
  friend bool operator==(const CopySide&, const CopySide&) = default;
};

/// A local path with a colon in it is told from a VM by beginning with `/` or `.`.
[[nodiscard]] CopySide parse_copy_side(std::string_view text);

enum class Standing { missing, folder, other };

/// The folder of the destination into which the source is unpacked, and its name there; `.` for the contents
/// of a folder alone.
struct CopyPlan {
  std::string folder;
  std::string name;
  friend bool operator==(const CopyPlan&, const CopyPlan&) = default;
};

/// A source that ends in `/.` is its contents. Errors are whole messages.
[[nodiscard]] Result<CopyPlan> plan_copy(std::string_view source, Standing source_is,
                                         std::string_view destination, Standing destination_is);

}  // namespace kestrel::hostd
