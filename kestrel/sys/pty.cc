#include "kestrel/sys/pty.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include <cerrno>

namespace kestrel::sys {

Result<Pty> open_pty() {
  constexpr auto context = "cannot open a terminal";
  Pty pty;
  pty.master.reset(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!pty.master.is_open()) return errno_error(context, errno);
  int unlocked = 0;
  if (::ioctl(pty.master.get(), TIOCSPTLCK, &unlocked) < 0) return errno_error(context, errno);
  // By the master and not by a path: which /dev/pts it stands in does not matter.
  pty.slave.reset(::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pty.slave.is_open()) return errno_error(context, errno);
  return pty;
}

Result<void> set_terminal_size(int fd, std::uint16_t rows, std::uint16_t columns) {
  const winsize size{rows, columns, 0, 0};
  if (::ioctl(fd, TIOCSWINSZ, &size) < 0) return errno_error("cannot resize the terminal", errno);
  return {};
}

void give_terminal(int slave, std::optional<std::uint32_t> uid) {
  // The group and mode that devpts gave it are kept. Without privileges it is ours anyway.
  if (uid) [[maybe_unused]]
    const int ignored = ::fchown(slave, *uid, static_cast<gid_t>(-1));
}

bool signal_foreground(int master, int signal) {
  pid_t group = 0;
  // Asked of the master, this is the group in the foreground of the slave.
  return ::ioctl(master, TIOCGPGRP, &group) == 0 && group > 0 && ::kill(-group, signal) == 0;
}

}  // namespace kestrel::sys
