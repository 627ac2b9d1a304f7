// Making a child process out of this one: clone3(2), which can give birth to it inside a cgroup and hands out
// its pidfd.
//
// A child that shares the parent's memory (as vfork's does) is far cheaper than a copy: no page tables are
// copied and the parent takes no copy-on-write faults afterwards. The price: the parent stands still until
// the child has exec'd or died. Whoever may signal the child could therefore stop the parent, so a child that
// changes its user must get a copy.
#pragma once

#include <sys/types.h>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

enum class ChildMemory {
  copied,  ///< as fork
  shared,  ///< as vfork: the parent waits for exec or exit; the child must leave no trace in memory that
           ///< matters
};

struct Cloned {
  pid_t pid = -1;
  UniqueFd pidfd;
};

/// What a child was born with. Neither is true where the kernel, or a container's filter, knows no clone3:
/// the child has to see to it itself.
struct Birth {
  bool is_in_cgroup = false;     ///< the one that was asked for
  bool has_no_handlers = false;  ///< of signals; those that are ignored still are
};

/// What the child runs; it ends in exec or _exit.
using ChildMain = void (*)(const void* plan, Birth birth) noexcept;

/// `cgroup_fd` is an open cgroup directory, or -1. Block all signals around the call: a handler must not run
/// in a child that shares memory. One thread only: all children use one stack, one at a time. Where clone3 is
/// missing a copied child is made by fork() and pidfd_open(), and a shared one not at all: ENOSYS.
[[nodiscard]] Result<Cloned> clone_child(ChildMemory memory, int cgroup_fd, ChildMain main, const void* plan);

}  // namespace kestrel::sys
