// kestrel's command line.
#pragma once

namespace kestrel::app {

/// Whether the arguments are meant for us. The kernel hands PID 1 the words of its own command line that it
/// does not know, and those are not.
[[nodiscard]] bool is_command_line(int argc, char** argv);

/// Does what the arguments ask for and returns the exit status; 2 where they make no sense.
[[nodiscard]] int run_command_line(int argc, char** argv);

}  // namespace kestrel::app
