// Giving up capabilities in a child on its way to exec (capabilities(7)). A new process keeps exactly the
// wanted set, whoever its user is and whatever it executes:
//
//   bounding     what any program it executes may ever have; all others are dropped from it for good
//   inheritable,
//   permitted    what it has; root's program gets bounding and inheritable back at exec
//   ambient      what the program of another user than root keeps across exec
//
// The order matters: leaving uid 0 clears the permitted set unless that is forbidden before, and the ambient
// set takes only what is permitted and inheritable. All of this concerns the calling thread alone, in bare
// system calls, as the child may share its parent's memory (clone.h).
#pragma once

#include "kestrel/base/capability.h"

namespace kestrel::sys {

/// To be called before the change of user: drops all but `kept` from the bounding set, and lets the permitted
/// ones outlive the change. False with errno.
[[nodiscard]] bool bound_capabilities(CapabilitySet kept) noexcept;
/// To be called after it: has exactly `kept`. False with errno: EPERM if one of them is not ours to keep.
[[nodiscard]] bool keep_capabilities(CapabilitySet kept) noexcept;

/// No program executed from now on gains rights by it: set-user-ID bits and file capabilities have no effect.
[[nodiscard]] bool give_up_new_privileges() noexcept;

}  // namespace kestrel::sys
