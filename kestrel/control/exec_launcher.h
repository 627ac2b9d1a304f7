// What an exec needs of whoever makes processes. app/ implements it; tests do by hand.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kestrel/control/exec_stdio.h"
#include "kestrel/wire/exec_messages.h"

namespace kestrel::control {

struct ExecEnd {
  wire::ExecExit how;
  bool leaves_others = false;  ///< processes that it made live on; on_gone follows
};

/// Called once each, from the loop or from inside launch().
struct ExecCallbacks {
  std::function<void()> on_started;                         ///< the program runs
  std::function<void(const wire::ExecFailure&)> on_failed;  ///< it never will; nothing follows
  std::function<void(const ExecEnd&)> on_end;
  std::function<void()> on_gone;
};

/// The processes of one exec. Destroying it kills what is left of them, and calls nobody back.
class LaunchedExec {
 public:
  LaunchedExec() = default;
  LaunchedExec(const LaunchedExec&) = delete;
  LaunchedExec& operator=(const LaunchedExec&) = delete;
  virtual ~LaunchedExec() = default;

  /// To the process group that the program leads.
  virtual void signal(int signal) = 0;
  virtual void kill() = 0;
};

class ExecLauncher {
 public:
  virtual ~ExecLauncher() = default;
  /// Puts the program into a containment of its own, named after `id`. nullptr: on_failed has been called.
  [[nodiscard]] virtual std::unique_ptr<LaunchedExec> launch(const wire::ExecRequest& request,
                                                             const std::string& id, const ChildStdio& stdio,
                                                             ExecCallbacks callbacks) = 0;
};

}  // namespace kestrel::control
