// A tree as a disk: a file system in a file.
#pragma once

#include <string>

#include "hostd/build/build_plan.h"
#include "hostd/build/spool.h"
#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// What the file is to be called: `rootfs.` and qcow2, img, erofs or squashfs.
[[nodiscard]] std::string disk_image_name(const BuildPlan& plan);

/// Makes the plan's file system (mke2fs, mkfs.erofs, mksquashfs) with what is in the tree, as the file
/// `path`. ext4 has `plan.spare_mebibytes` of free space, and as qcow2 (qemu-img) it is compressed. One has
/// to be root, for files have owners.
[[nodiscard]] Result<void> make_disk_image(const Tree& tree, const BuildPlan& plan, const std::string& path,
                                           Spool& spool, std::int64_t time);

}  // namespace kestrel::hostd
