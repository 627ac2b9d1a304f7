// The files that a plan's source stands for.
#pragma once

#include <optional>

#include "hostd/build/build_image.h"
#include "hostd/build/build_plan.h"
#include "hostd/build/oci_layout.h"
#include "hostd/build/spool.h"
#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// Puts them into the tree, after what it takes to have them: a script is run, a Dockerfile built, an image
/// fetched. A container image also says what it would start.
[[nodiscard]] Result<std::optional<OciProcess>> add_source(Tree& tree, const BuildPlan& plan,
                                                           const Workshop& workshop, Spool& spool);

}  // namespace kestrel::hostd
