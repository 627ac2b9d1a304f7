// The text of a message of sd_notify(3): assignments, one a line, from a process that may be hostile.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/time.h"

namespace kestrel::app {

struct NotifyMessage {
  bool is_ready = false;               ///< READY=1
  bool is_stopping = false;            ///< STOPPING=1
  bool is_reloading = false;           ///< RELOADING=1
  bool is_alive = false;               ///< WATCHDOG=1
  bool gives_up = false;               ///< WATCHDOG=trigger
  std::optional<std::string> status;   ///< STATUS=, at most 1 KiB of it
  std::optional<int> main_pid;         ///< MAINPID=, a pid in form
  std::optional<Duration> watchdog;    ///< WATCHDOG_USEC=; zero turns it off
  std::optional<Duration> extends_by;  ///< EXTEND_TIMEOUT_USEC=
};

/// Variables that are unknown or have a value that makes no sense are left out, as sd_notify(3) asks for; of
/// one that is given twice the last counts. Times are cut to a year.
[[nodiscard]] NotifyMessage parse_notify_message(std::string_view text);

}  // namespace kestrel::app
