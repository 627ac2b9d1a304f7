// The way from the initramfs to a root on a disk.
#pragma once

#include <string>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Whether / is what the kernel unpacked for us into memory.
[[nodiscard]] bool is_on_initramfs();

/// Makes what is mounted on `new_root` the root of everything: /dev, /proc, /sys and /run go there as they
/// are, and the memory of the initramfs is given back. The folders for them must be there or makeable. After
/// an error the old root may still be in place; nothing of it has been removed then.
[[nodiscard]] Result<void> switch_root(const std::string& new_root);

/// Replaces this program, with its environment, by the first of these that is in the root: /sbin/kestrel,
/// /usr/sbin/kestrel, /usr/lib/kestrel/kestrel (where `make install` puts it); else by itself, carried over
/// by its open file `own`. Returns where none could be executed.
[[nodiscard]] Error exec_next_stage(int own);

}  // namespace kestrel::sys
