// `hostd vsock`: the device alone, for anybody's QEMU.
#pragma once

#include <span>

namespace kestrel::hostd::vsock {

/// Runs the command; `args` are those behind `hostd vsock`. Returns the exit status (exit_status.h): success
/// when the VMM went or a signal asked to end, host_error, or usage.
int run_vsock_command(std::span<char* const> args);

}  // namespace kestrel::hostd::vsock
