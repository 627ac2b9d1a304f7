// The command lines of `kestrelctl exec`, `shell` and `attach`.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kestrel::hostd {

/// Takes from the end of the words of `kestrelctl exec …`, or `vms exec …`, what stands behind the VM, with
/// or without a `--`: it is the command's, options included, as in `docker exec`, and not to be parsed.
[[nodiscard]] std::vector<std::string> take_exec_command(std::vector<std::string>& words);

/// The command that is chosen sets `action`, which outlives the parsing.
void add_exec_commands(CLI::App& app, std::vector<std::string> exec_command, std::function<int()>& action);

}  // namespace kestrel::hostd
