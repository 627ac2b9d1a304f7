// Pseudo-terminals: a program's terminal whose other end is ours (pty(7)).
#pragma once

#include <cstdint>
#include <optional>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

struct Pty {
  UniqueFd master;  ///< ours, non-blocking
  UniqueFd slave;   ///< for the child; ProcessSpec::controls_terminal
};
/// Needs a /dev/ptmx and nothing of /dev/pts.
[[nodiscard]] Result<Pty> open_pty();

/// Tells the foreground process group with SIGWINCH if it is another size. Of either end.
[[nodiscard]] Result<void> set_terminal_size(int fd, std::uint16_t rows, std::uint16_t columns);

/// Whoever the terminal belongs to may open it again by its name.
void give_terminal(int slave, std::optional<std::uint32_t> uid);

/// To the process group in the terminal's foreground. False where there is none.
bool signal_foreground(int master, int signal);

}  // namespace kestrel::sys
