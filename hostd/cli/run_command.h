// `kestrelctl run`: in the foreground the runner is this process, with -d it is a `hostd vm` of its own.
#pragma once

#include "hostd/cli/run_options.h"
#include "hostd/vmm/tsc.h"

namespace kestrel::hostd {

[[nodiscard]] int run_command(const RunOptions& options);

/// Starts `hostd vm`, waits until the VM has come as far as was asked, and leaves it alone. Returns the exit
/// status.
[[nodiscard]] int run_detached(const VmSpec& spec, const RunOptions& options);

}  // namespace kestrel::hostd
