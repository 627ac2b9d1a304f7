// From what the configuration says to a process that can be made: names become numbers, variables get their
// values, the program is found. Done at each start, so that a user or a secret that appeared meanwhile is
// seen.
#pragma once

#include <string>
#include <variant>

#include "kestrel/app/environment.h"
#include "kestrel/config/model.h"
#include "kestrel/sys/process.h"

namespace kestrel::app {

/// What could not be resolved; `stage` and `cause` go into core::ProcessFailedToStart.
struct PlanFailure {
  std::string stage;  ///< user | environment | exec
  std::string cause;
  int error = 0;
};
using ProcessPlan = std::variant<sys::ProcessSpec, PlanFailure>;

/// The process of a service, or of one of its hooks or probes, which differ only in their program. stdio and
/// the cgroup are left to the caller.
[[nodiscard]] ProcessPlan plan_service(const config::Model& model, const config::Service& service,
                                       const config::Command& command, const GuestEnvironment& environment);

/// A hook or a probe of the guest: root's process with the environment for all.
[[nodiscard]] ProcessPlan plan_command(const config::Model& model, const config::Command& command,
                                       const GuestEnvironment& environment);

}  // namespace kestrel::app
