// Read-only pictures of the supervisor's state, as the API shows them (DESIGN.md section 3). Values, taken at
// one moment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/time.h"
#include "kestrel/config/model.h"
#include "kestrel/core/events.h"

namespace kestrel::core {

enum class StateName {
  waiting,
  starting,
  running,
  stopping,
  backing_off,
  completed,
  failed,
  blocked,
  stopped
};
[[nodiscard]] std::string_view name_of(StateName state);

enum class Desired { running, stopped };
[[nodiscard]] std::string_view name_of(Desired desired);

enum class Health { none, starting, healthy, unhealthy };
[[nodiscard]] std::string_view name_of(Health health);

enum class ExitCause { exit, signal, oom, stop, probe, start_timeout, exec_failed };
[[nodiscard]] std::string_view name_of(ExitCause cause);

/// Restarts by what ended the run before, in the order of ExitCause.
using RestartCounts = std::array<std::uint32_t, static_cast<std::size_t>(ExitCause::exec_failed) + 1>;

struct ExitRecord {
  WallTime time{};
  Exit exit;
  ExitCause cause = ExitCause::exit;
  Duration uptime{};
};

struct CheckResult {
  WallTime time{};
  bool is_ok = false;
  std::string message;
};

struct CheckView {
  std::string name;
  std::string_view type;  ///< http | tcp | exec
  Health status = Health::starting;
  std::uint32_t failures = 0;  ///< in a row
  std::optional<CheckResult> last;
};

/// One of the runs of a scheduled service that are under way.
struct RunView {
  StateName state = StateName::waiting;
  std::string reason;
  std::optional<int> pid;
  WallTime since{};
};

struct ServiceView {
  std::string name;
  std::string_view kind;  ///< service | job | scheduled
  StateName state = StateName::stopped;
  std::string reason;
  Desired desired = Desired::stopped;
  std::optional<int> pid;
  WallTime since{};  ///< when it entered its state
  std::uint32_t restarts = 0;
  RestartCounts restarts_by_cause{};
  std::optional<Duration> next_start;  ///< backing off or scheduled: how long yet
  std::string status;                  ///< what it last said of itself (STATUS= of sd_notify)
  bool is_ready = false;
  Health health = Health::none;
  std::vector<CheckView> checks;
  std::vector<ExitRecord> exits;  ///< the last 32, oldest first
  /// Of a scheduled service, oldest first; its own state, pid and so on are those of the newest one that has
  /// got furthest.
  std::vector<RunView> runs;
};

struct HealthView {
  Health status = Health::starting;
  std::vector<std::string> reasons;  ///< why it is not healthy, one a line; what is only starting comes last
  std::vector<CheckView> checks;     ///< the guest's own
};

/// Where the guest as a whole is.
enum class Phase { preparing, up, shutting_down, down };
[[nodiscard]] std::string_view name_of(Phase phase);

}  // namespace kestrel::core
