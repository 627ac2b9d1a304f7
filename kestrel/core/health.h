// One health check: when it runs, and what its results mean.
//
// A check runs while the thing it checks does. The next run is planned from the end of the last, so runs
// never overlap. Until the first success, or until `start_period` is over, it is Starting: it runs every
// `start_interval` and failures count for nothing. From then on `failure_threshold` failures in a row make it
// Unhealthy, and `success_threshold` successes in a row make it Healthy again. A streak of failures asks for
// the check's action once, at the moment it makes the check Unhealthy.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "kestrel/base/time.h"
#include "kestrel/config/model.h"
#include "kestrel/core/ids.h"
#include "kestrel/core/view.h"

namespace kestrel::core {

/// What a step of a check changed or asks for.
struct CheckStep {
  enum class Change { none, became_healthy, became_unhealthy };
  Change change = Change::none;
  bool start_probe = false;          ///< run it now, as `probing()` says
  std::optional<ProbeId> cancelled;  ///< this one took too long
};

class HealthCheck {
 public:
  explicit HealthCheck(const config::Check& definition) : definition_(&definition) {}

  /// Begins, with all counters afresh; the first run is due at once.
  void begin(MonotonicTime now);
  /// Ends; a probe under way is to be cancelled and is returned.
  [[nodiscard]] std::optional<ProbeId> end();

  /// So much time was lost: what it waits for comes that much later, and a run that was under way, which is
  /// returned to be cancelled, says nothing and is done again at once.
  [[nodiscard]] std::optional<ProbeId> lose_time(Duration by, MonotonicTime now);

  /// Goes on where an equal check of the model before stood; a run that was under way is done again at once.
  void take_over(const HealthCheck& before, MonotonicTime now);

  /// The one deadline: the next run, or the time-out of the one under way.
  [[nodiscard]] std::optional<MonotonicTime> deadline() const;
  /// `next_probe` is the id for a run that starts now.
  [[nodiscard]] CheckStep handle_deadline(Now now, ProbeId next_probe);
  /// Results of any other probe than the one under way are dropped.
  [[nodiscard]] CheckStep handle_result(ProbeId probe, bool is_ok, std::string message, Now now);

  /// The run under way.
  [[nodiscard]] std::optional<ProbeId> probing() const;
  [[nodiscard]] bool is_active() const { return !std::holds_alternative<Idle>(phase_); }
  [[nodiscard]] Health status() const { return status_; }
  [[nodiscard]] CheckView view() const;
  [[nodiscard]] const config::Check& definition() const { return *definition_; }
  /// `http check 'web' failed 3 times: GET …: connection refused`.
  [[nodiscard]] std::string describe_failure() const;

 private:
  struct Idle {};
  struct Planned {
    MonotonicTime at;
  };
  struct Probing {
    ProbeId probe;
    MonotonicTime deadline;
  };

  [[nodiscard]] CheckStep conclude(bool is_ok, std::string message, Now now);
  [[nodiscard]] CheckStep::Change count(bool is_ok, MonotonicTime now);

  const config::Check* definition_;
  std::variant<Idle, Planned, Probing> phase_;
  Health status_ = Health::starting;
  MonotonicTime began_{};
  std::uint32_t failures_ = 0;
  std::uint32_t successes_ = 0;
  std::optional<CheckResult> last_;
};

[[nodiscard]] std::string_view type_name(const config::Probe& probe);

}  // namespace kestrel::core
