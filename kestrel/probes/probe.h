// One run of one health probe. Whether it is time for one, how long it may take and what its result means is
// decided in core/health; here it is only carried out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/config/model.h"
#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/process.h"

namespace kestrel::probes {

struct ProbeResult {
  bool is_ok = false;
  std::string message;  ///< what a person wants to read: `GET http://127.0.0.1:8080/health answered 503`
};

/// A probe under way. Destroying it cancels: no result follows, and nothing of it stays behind.
class Probing {
 public:
  virtual ~Probing() = default;
};

/// A process that a probe runs. Destroying it kills all that is left of it.
class LaunchedProcess {
 public:
  explicit LaunchedProcess(sys::UniqueFd output) : output_(std::move(output)) {}
  LaunchedProcess(const LaunchedProcess&) = delete;
  LaunchedProcess& operator=(const LaunchedProcess&) = delete;
  virtual ~LaunchedProcess() = default;

  /// The reading end of its standard output and error, non-blocking.
  [[nodiscard]] const sys::UniqueFd& output() const { return output_; }

 private:
  sys::UniqueFd output_;
};

/// Who makes processes: there is one reaper in the program, so a probe cannot wait for its own.
class ProcessLauncher {
 public:
  virtual ~ProcessLauncher() = default;
  /// `on_exit` is called once when the process has ended, perhaps from inside, and never once the
  /// LaunchedProcess is gone.
  [[nodiscard]] virtual Result<std::unique_ptr<LaunchedProcess>> launch(
      const config::Command& command, std::function<void(sys::ExitStatus)> on_exit) = 0;
};

struct ProbeContext {
  ProcessLauncher* launcher = nullptr;  ///< for exec probes; used only until start_probe() returns
};

/// `done` is called once, from the loop and never from inside. It may destroy the Probing. `probe` must
/// outlive it.
[[nodiscard]] std::unique_ptr<Probing> start_probe(loop::Loop& loop, const config::Probe& probe,
                                                   ProbeContext context,
                                                   std::function<void(const ProbeResult&)> done);

}  // namespace kestrel::probes
