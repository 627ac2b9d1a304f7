// The command lines of `kestrelctl vms …` and `kestrelctl deployments …`.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace kestrel::hostd {

/// The life of hostd's VMs, as subcommands of `vms`. The command that is chosen sets `action`, which outlives
/// the parsing.
void add_vm_commands(CLI::App& vms, std::function<int()>& action);
void add_deployment_commands(CLI::App& app, std::function<int()>& action);

}  // namespace kestrel::hostd
