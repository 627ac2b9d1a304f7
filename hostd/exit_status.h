// How `kestrelctl run` and `hostd vm` end.
//
// A VM that said how it ended (the link's `exiting`) ends the command with its own status: 0 for an orderly
// shutdown, the batch's status, 78 for a bad config, 128 + signal. Whatever kept the guest from saying it is
// one of the statuses below. 125, 126 and 127 mean what they mean to users of Docker and of the shell; the
// others lie right below them, where programs rarely have a status of their own. A guest may use these
// numbers too: the message on stderr tells them apart.
#pragma once

namespace kestrel::hostd {

enum class ExitCode : int {
  success = 0,
  usage = 64,            ///< the command line is wrong (sysexits' EX_USAGE)
  stop_forced = 116,     ///< the guest did not shut down in time and was ended by force
  guest_lost = 117,      ///< the guest went away after its hello, without a last word
  no_hello = 118,        ///< the guest did not say hello within the boot timeout
  kernel_panic = 119,    ///< its kernel panicked; the console's line is quoted
  port_in_use = 120,     ///< a published port is taken on the host
  kernel_missing = 121,  ///< no guest kernel, or the file is none
  image_broken = 122,    ///< the image cannot be read, or is none
  name_in_use = 123,     ///< a VM of that name is running
  vmm_died = 124,        ///< QEMU ended by itself, or was killed
  host_error = 125,      ///< anything else that failed on the host
  vmm_refused = 126,     ///< QEMU is there but cannot be executed, or refuses its command line
  vmm_missing = 127,     ///< QEMU is not installed
};

[[nodiscard]] constexpr int to_status(ExitCode code) { return static_cast<int>(code); }

}  // namespace kestrel::hostd
