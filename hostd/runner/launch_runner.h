// Starting a runner as a process of its own, `hostd vm`, which lives on when whoever started it ends.
#pragma once

#include "hostd/vm_spec.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

/// Its progress goes to `progress` (-1: nowhere), its log to runner.log in the VM's folder, which must be
/// there. hostd lies beside the calling program, else PATH knows it.
[[nodiscard]] Result<sys::Child> launch_runner(const VmSpec& spec, int progress);

}  // namespace kestrel::hostd
