#include "kestrel/sys/power.h"

#include <sys/reboot.h>
#include <unistd.h>

#include <cerrno>

namespace kestrel::sys {

namespace {

int command_for(MachineEnd end) {
  switch (end) {
    case MachineEnd::power_off:
      return RB_POWER_OFF;
    case MachineEnd::restart:
      return RB_AUTOBOOT;
    case MachineEnd::halt:
      return RB_HALT_SYSTEM;
  }
  return RB_POWER_OFF;
}

}  // namespace

void sync_disks() { ::sync(); }

Result<void> end_machine(MachineEnd end) {
  if (::reboot(command_for(end)) == 0) return {};
  return errno_error("cannot end the machine", errno);
}

Result<void> take_ctrl_alt_del() {
  if (::reboot(RB_DISABLE_CAD) == 0) return {};
  return errno_error("cannot take over Ctrl-Alt-Del", errno);
}

}  // namespace kestrel::sys
