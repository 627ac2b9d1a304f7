// kestrelctl's command line: which commands there are, and what each is given.
#pragma once

#include "hostd/completion/command_tree.h"

namespace kestrel::hostd {

/// Parses and runs. Returns the exit status.
[[nodiscard]] int run_command_line(int argc, char** argv);

/// All that can be written, for shells that complete it.
[[nodiscard]] completion::Program describe_command_line();

}  // namespace kestrel::hostd
