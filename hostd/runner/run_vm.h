// Runs one VM in this process, from its runtime folder to its end: what `kestrelctl run` and `hostd vm`
// share.
#pragma once

#include "hostd/runner/observer.h"
#include "hostd/runner/runner.h"
#include "hostd/vm_spec.h"
#include "hostd/vmm/tsc.h"

namespace kestrel::hostd {

/// SIGINT, SIGTERM and SIGHUP stop the VM in order; a second one ends it by force. The observer is told the
/// outcome before this returns it, whatever went wrong.
[[nodiscard]] Outcome run_vm(loop::Loop& loop, const VmSpec& spec, RunnerObserver& observer,
                             const TscMeter& tsc, AfterEnd after);

}  // namespace kestrel::hostd
