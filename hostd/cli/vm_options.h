// The options by which VMs are described on a command line, alike for all commands that make some.
#pragma once

#include "hostd/cli/run_options.h"

namespace CLI {
class App;
}

namespace kestrel::hostd {

/// All but the image, a name and ports.
void add_vm_options(CLI::App& command, RunOptions& options);

}  // namespace kestrel::hostd
