// Guest mode: PID 1 of a virtual machine, from the first instruction to the power switch.
#pragma once

namespace kestrel::app {

/// Reads /etc/kestrel/config.yaml, greets the host if the kernel's command line has `kestrel.link`, and runs
/// the services. Never returns: at the end the machine goes off.
[[noreturn]] void run_guest();

}  // namespace kestrel::app
