#include "hostd/cli/terminal_mode.h"

#include <sys/ioctl.h>

#include <utility>

namespace kestrel::hostd {

TerminalMode::TerminalMode(int fd) : fd_(fd) {
  termios now{};
  if (::tcgetattr(fd, &now) == 0) before_ = now;
}

TerminalMode::~TerminalMode() { restore(); }

void TerminalMode::make_raw() {
  if (!before_ || is_raw_) return;
  termios raw = *before_;
  ::cfmakeraw(&raw);
  is_raw_ = ::tcsetattr(fd_, TCSADRAIN, &raw) == 0;
}

void TerminalMode::restore() {
  if (std::exchange(is_raw_, false)) ::tcsetattr(fd_, TCSADRAIN, &*before_);
}

std::optional<wire::TerminalSize> terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return std::nullopt;
  return wire::TerminalSize{size.ws_row, size.ws_col};
}

}  // namespace kestrel::hostd
