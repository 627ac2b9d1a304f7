// A tree as files of a folder, for programs that want to see one.
#pragma once

#include <string>

#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

enum class Staging {
  whole,     ///< with owners, times and devices, for which one has to be root
  skeleton,  ///< for looking at: files longer than a configuration or a list of users are empty
};

/// `folder` is there, and empty. Times are `time`, in seconds since 1970.
[[nodiscard]] Result<void> stage(const Tree& tree, const std::string& folder, Staging staging,
                                 std::int64_t time);

}  // namespace kestrel::hostd
