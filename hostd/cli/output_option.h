// `-o table|json`, as all commands that print a list or a state have it.
#pragma once

#include "hostd/cli/query_commands.h"

namespace CLI {
class App;
}

namespace kestrel::hostd {

/// `format` outlives the parsing.
void add_output_option(CLI::App& command, OutputFormat& format);

}  // namespace kestrel::hostd
