// What each way to end means for the user: pure functions from what is known to an Outcome, and its text.
#pragma once

#include "hostd/vm_machine.h"

namespace kestrel::hostd {

/// The guest's last word.
[[nodiscard]] Outcome outcome_of(const wire::Exiting& word);
/// The VMM ended while the guest had not spoken yet.
[[nodiscard]] Outcome outcome_of_early_exit(const VmmExited& exit, bool has_console_spoken);
/// The VMM ended under a guest that had said hello, and not said how it ended.
[[nodiscard]] Outcome outcome_of_late_exit(const VmmExited& exit);
[[nodiscard]] Outcome outcome_of_silence(const Booting& booting, Duration boot_timeout);
[[nodiscard]] Outcome outcome_of_panic(std::string_view console_line);

/// `{"status":…,"message":…,"details":[…]}`. Without a status it is none.
[[nodiscard]] std::string to_json(const Outcome& outcome);
[[nodiscard]] Result<Outcome> parse_outcome(std::string_view json);

/// `QEMU was killed by SIGKILL`, `QEMU exited with status 1: cannot …`.
[[nodiscard]] std::string describe(const VmmExited& exit);

}  // namespace kestrel::hostd
