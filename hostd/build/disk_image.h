// A tree as a disk: a file system in a file.
#pragma once

#include <string>

#include "hostd/build/build_plan.h"
#include "hostd/build/spool.h"
#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// Makes an ext4 file system (mke2fs) with what is in the tree and `plan.spare_mebibytes` of free space, as
/// the file `path`; qcow2 (qemu-img) is compressed. One has to be root, for files have owners.
[[nodiscard]] Result<void> make_disk_image(const Tree& tree, const BuildPlan& plan, const std::string& path,
                                           Spool& spool, std::int64_t time);

}  // namespace kestrel::hostd
