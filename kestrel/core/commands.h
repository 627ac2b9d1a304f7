// What an operator asks of the supervisor, and the answer. Commands are idempotent: asking twice changes
// nothing twice.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "kestrel/core/effects.h"
#include "kestrel/core/ids.h"

namespace kestrel::core {

/// Starts a service and all it requires; counters of failures begin afresh.
struct StartService {
  ServiceId service;
};
/// Refused while a running service requires it, unless forced: then those stop too, and first.
struct StopService {
  ServiceId service;
  bool is_forced = false;
};
struct RestartService {
  ServiceId service;
};
/// To the main process.
struct SignalService {
  ServiceId service;
  int signal = 0;
};
struct ShutDown {
  PowerAction action = PowerAction::shutdown;
  std::string reason;  ///< who asked, in words
};

using Command = std::variant<StartService, StopService, RestartService, SignalService, ShutDown>;

struct Reply {
  enum class Verdict { done, conflict, gone };  ///< conflict: 409; gone: the guest is shutting down
  Verdict verdict = Verdict::done;
  std::string message;                ///< why it was refused
  std::vector<ServiceId> changed;     ///< whose desired state or run the command changed
  std::vector<ServiceId> dependents;  ///< conflict: who stands in the way
};

}  // namespace kestrel::core
