// How one run of a service says that it is ready, and what else it says of itself: an sd_notify(3) socket, an
// s6 notification descriptor, or a line that it prints. (`tcp` is the core's, as a probe like any other.)
//
// Before the process is made, equip() puts the means into its description; afterwards handle_spawned() lets
// go of what belongs to the process alone. The watch ends with the run.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/config/model.h"
#include "kestrel/core/events.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/probes/pattern.h"
#include "kestrel/sys/notify_socket.h"
#include "kestrel/sys/process.h"

namespace kestrel::app {

/// Whom a watch listens to, and whom it tells. `tell` must not destroy the watch.
struct ReadinessListener {
  core::RunId run;
  std::string service;                    ///< its name, for the log
  std::function<bool(pid_t)> contains;    ///< whether a process is the run's own
  std::function<void(core::Event)> tell;  ///< ReadinessReported, ReadinessRuledOut, Notified
};

class ReadinessWatch {
 public:
  /// nullptr where there is nothing to watch for.
  [[nodiscard]] static Result<std::unique_ptr<ReadinessWatch>> create(loop::Loop& loop,
                                                                      const config::Readiness& readiness,
                                                                      ReadinessListener listener);
  ReadinessWatch(const ReadinessWatch&) = delete;
  ReadinessWatch& operator=(const ReadinessWatch&) = delete;

  void equip(sys::ProcessSpec& spec) const;
  void handle_spawned() { writer_.reset(); }
  /// One that the run printed. What it leads to is told from the loop, never from in here.
  void handle_line(std::string_view line);
  /// Takes what has been said by now: for the moment at which a process has ended but is not yet taken for
  /// ended, since it may have named its successor.
  void hear_rest();

 private:
  ReadinessWatch(loop::Loop& loop, ReadinessListener listener);

  Result<void> open(const config::ReadyByNotify& way);
  Result<void> open(const config::ReadyByFd& way);
  Result<void> open(const config::ReadyByLog& way);
  Result<void> open(const config::ReadyWhenStarted&) { return {}; }
  Result<void> open(const config::ReadyByTcp&) { return {}; }
  void hear_messages(int most);
  void hear(const sys::Notification& notification);
  void read_descriptor();
  void tell_later(core::Event event);

  loop::Loop* loop_;
  ReadinessListener listener_;
  // notify
  std::optional<sys::NotifySocket> socket_;
  bool has_met_stranger_ = false;
  bool is_reloading_ = false;
  // fd
  int descriptor_ = -1;  ///< its number in the process
  sys::UniqueFd reader_;
  sys::UniqueFd writer_;
  bool has_reported_ = false;
  loop::Timer silence_;
  // log
  std::optional<probes::Pattern> pattern_;  ///< until a line matched
  loop::FdWatcher watcher_;                 ///< of the socket or the reader; ends before them
};

}  // namespace kestrel::app
