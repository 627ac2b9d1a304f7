// Pausing and resuming a VM on somebody's behalf: asks QEMU, waits until it is so, and after a resume for
// what the guest has made of having stood still. Whoever asks gets one answer, in bounded time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hostd/runner/guest_session.h"
#include "hostd/vm_machine.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd {

/// `{"state":…,"paused_ms":…,"guest":…}`; an error with code EBUSY where the VM's state does not allow it.
using PauseAnswer = std::function<void(Result<std::string>)>;

class PauseControl {
 public:
  struct Monitor {
    std::function<void()> pause;
    std::function<void()> resume;
    std::function<std::string_view()> state_name;
    /// Tells the guest; false where it cannot be told.
    std::function<bool(std::uint64_t id, Duration paused)> tell_guest;
  };
  PauseControl(loop::Loop& loop, Monitor monitor);

  void pause(const State& state, PauseAnswer answer);
  void resume(const State& state, PauseAnswer answer);

  // What has happened.
  void paused();
  void resumed(Duration paused);
  void guest_reported(const wire::ResumedReport& report);
  /// Nobody is to wait any longer.
  void give_up(std::string_view reason);

 private:
  struct Report {
    wire::ResumedReport guest;
    Duration after{};  ///< from the resume to the guest's word
  };
  [[nodiscard]] std::string describe(Duration paused, const std::optional<Report>& report) const;
  void answer_resumed(const std::optional<Report>& report);

  loop::Loop& loop_;
  Monitor monitor_;
  std::vector<PauseAnswer> pausing_;
  std::vector<PauseAnswer> resuming_;
  loop::Timer monitor_limit_;
  /// Of the resume that the guest has been told of last.
  std::uint64_t id_ = 0;
  Duration paused_{};
  MonotonicTime resumed_at_{};
  loop::Timer guest_limit_;
};

}  // namespace kestrel::hostd
