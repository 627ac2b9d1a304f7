// The machine that PID 1 finds and makes usable, and its end. Only guest mode comes here.
#pragma once

#include <optional>

#include "kestrel/app/timeline.h"
#include "kestrel/core/effects.h"
#include "kestrel/sys/containment.h"
#include "kestrel/sys/kernel_command_line.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::app {

struct Machine {
  sys::KernelParameters parameters;
  std::optional<sys::CgroupRoot> cgroups;  ///< unset where the kernel has no cgroup v2
  std::optional<Error> root_failure;       ///< why this is not the root that `root=` asks for
};

/// Mounts, modules, network and all else that must be there before the first process. What fails and can be
/// lived with is logged; an error: without this step no service could run.
[[nodiscard]] Result<Machine> bring_up_machine(Timeline& timeline);

/// What the host told about who this guest is: its name, the time, and randomness. Failures are logged.
void take_identity(const wire::Welcome& welcome);

/// The part of that which a guest needs again when it may have stood still.
void take_time_and_randomness(const wire::Welcome& welcome);

/// The guest stood still: its clock follows the host's and its random numbers are its own again, even where
/// another guest goes on from the same memory.
[[nodiscard]] wire::ResumedReport catch_up(const wire::Resumed& resumed);

/// Writes out and takes down all file systems.
void release_disks();

/// Never returns: should the power not go off, it waits for the host to take it away.
[[noreturn]] void leave_machine(core::PowerAction action);

}  // namespace kestrel::app
