// Programs of this host, or of unpacked packages, with the shared libraries that they need.
//
// What a program opens only at run time (dlopen: name services, plug-ins) cannot be seen from outside.
#pragma once

#include <string>
#include <vector>

#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// `program` is PATH or PATH:PLACE; without a place it is where it is here. It and its libraries are looked
/// for in each of `sysroots`, then on this host.
[[nodiscard]] Result<void> add_program(Tree& tree, const std::string& program,
                                       const std::vector<std::string>& sysroots);

}  // namespace kestrel::hostd
