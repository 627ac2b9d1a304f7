// kestrelctl's command line: which commands there are, and what each is given.
#pragma once

namespace kestrel::hostd {

/// Parses and runs. Returns the exit status.
[[nodiscard]] int run_command_line(int argc, char** argv);

}  // namespace kestrel::hostd
