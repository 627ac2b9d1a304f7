// Makes the processes of execs: like a service's process, with what the request says in place of what a
// configuration would.
#pragma once

#include <functional>

#include "kestrel/app/environment.h"
#include "kestrel/app/process_plan.h"
#include "kestrel/app/process_table.h"
#include "kestrel/config/model.h"
#include "kestrel/control/exec_launcher.h"

namespace kestrel::app {

/// The user is looked up and the program found now. stdio and the cgroup are left to the caller.
[[nodiscard]] ProcessPlan plan_exec(const config::Model& model, const wire::ExecRequest& request,
                                    const GuestEnvironment& environment);

class ExecRunner final : public control::ExecLauncher {
 public:
  struct Surroundings {
    ProcessTable* processes = nullptr;
    const GuestEnvironment* environment = nullptr;
    std::function<const config::Model&()> model;  ///< a reload changes it
    std::function<ProcessId()> new_id;
  };
  /// All of them outlive it.
  explicit ExecRunner(Surroundings surroundings) : surroundings_(std::move(surroundings)) {}

  [[nodiscard]] std::unique_ptr<control::LaunchedExec> launch(const wire::ExecRequest& request,
                                                              const std::string& id,
                                                              const control::ChildStdio& stdio,
                                                              control::ExecCallbacks callbacks) override;

 private:
  Surroundings surroundings_;
};

}  // namespace kestrel::app
