// How failures are told: one line that says what could not be done and why, what else is known, and the way
// out.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "hostd/vm_machine.h"

namespace kestrel::hostd {

/// The way out for an exit status of ours; empty where there is none to name.
[[nodiscard]] std::string_view hint_for(int status);

/// Everything to print when a VM has ended: nothing after a success, `kestrelctl: cannot run NAME: …` with
/// the guest's problems, the console's end where the guest never spoke, and a hint.
[[nodiscard]] std::string describe_end(std::string_view name, const Outcome& outcome,
                                       const std::deque<std::string>& console);

/// Prints `kestrelctl: MESSAGE` and, if there is one, `hint: HINT`; returns `code` as a status.
int fail(ExitCode code, std::string_view message, std::string_view hint = {});

}  // namespace kestrel::hostd
