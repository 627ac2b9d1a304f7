// The end of the machine. Only for PID 1 of a machine of its own: in a PID namespace these calls end the
// namespace, and elsewhere they end somebody else's machine.
#pragma once

#include "kestrel/base/result.h"

namespace kestrel::sys {

enum class MachineEnd {
  power_off,
  restart,  ///< also how a machine without a power switch (microvm) is ended: its VMM leaves at a reset
  halt,
};

/// Writes out all dirty data, and waits for it.
void sync_disks();

/// Does not return if it succeeds. What was written and not synced is lost.
[[nodiscard]] Result<void> end_machine(MachineEnd end);

/// Ctrl-Alt-Del sends SIGINT to PID 1 instead of resetting the machine at once.
[[nodiscard]] Result<void> take_ctrl_alt_del();

}  // namespace kestrel::sys
