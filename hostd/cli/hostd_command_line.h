// hostd's command line: one process a VM, or the vsock device alone.
#pragma once

#include "hostd/completion/command_tree.h"

namespace kestrel::hostd {

/// Parses and runs. Returns the exit status.
[[nodiscard]] int run_hostd_command_line(int argc, char** argv);

/// All that can be written, for shells that complete it.
[[nodiscard]] completion::Program describe_hostd_command_line();

}  // namespace kestrel::hostd
