// The terminal that a person sits at, handed over to a program elsewhere: raw, so that every key reaches that
// program, and put back as it was whatever happens.
#pragma once

#include <termios.h>

#include <optional>

#include "kestrel/wire/exec_messages.h"

namespace kestrel::hostd {

class TerminalMode {
 public:
  /// Of the terminal at `fd`; nothing happens where there is none.
  explicit TerminalMode(int fd);
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;

  void make_raw();
  void restore();

 private:
  int fd_;
  std::optional<termios> before_;
  bool is_raw_ = false;
};

/// nullopt where `fd` is no terminal, or one that does not know its size.
[[nodiscard]] std::optional<wire::TerminalSize> terminal_size(int fd);

}  // namespace kestrel::hostd
