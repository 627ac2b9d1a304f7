// `hostd vsock`: the device alone, for anybody's QEMU.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace kestrel::hostd::vsock {

/// Adds `vsock` to a program's subcommands; when it is chosen it sets `action`, which runs it. That returns
/// the exit status (exit_status.h): success when the VMM went or a signal asked to end, or host_error.
void add_vsock_command(CLI::App& app, std::function<int()>& action);

}  // namespace kestrel::hostd::vsock
