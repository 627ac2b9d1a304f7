// All that the API sees of the rest of the program. app/ implements it over the supervisor; tests do by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/time.h"
#include "kestrel/config/problem.h"
#include "kestrel/control/journal.h"
#include "kestrel/control/log_ring.h"
#include "kestrel/core/commands.h"
#include "kestrel/core/ids.h"
#include "kestrel/core/reload_plan.h"
#include "kestrel/core/view.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::control {

/// What does not change while the guest runs, and for how long it has.
struct InfoView {
  std::string version;
  int protocol = wire::protocol;
  std::string boot_id;
  Duration uptime{};
  std::string config_digest;
  std::vector<wire::BootStep> boot;
};

/// What a service's containment uses; unset where the kernel does not tell.
struct Usage {
  std::optional<Bytes> memory;
  std::optional<Bytes> memory_peak;
  std::optional<milliseconds> cpu;
};

/// When a service got how far for the first time in this boot, in microseconds since the kernel started.
struct ServiceTimes {
  std::string name;
  std::string_view kind;
  std::optional<std::int64_t>
      starting_us;  ///< it is being started: dependencies and hooks may take their time
  std::optional<std::int64_t> started_us;  ///< its program runs
  std::optional<std::int64_t> ready_us;
  std::optional<std::int64_t> healthy_us;
  std::optional<std::int64_t> completed_us;  ///< a job
};

/// How the link to the host is.
struct LinkView {
  bool is_up = false;
  std::uint64_t unacknowledged = 0;  ///< events and log lines
  /// The last time that the host told its own.
  struct Clock {
    Duration offset{};  ///< the host's clock minus ours, before ours was corrected
    Duration age{};
  };
  std::optional<Clock> clock;
};

/// A configuration as it was written.
struct ConfigText {
  std::string text;
  std::string digest;  ///< config::digest() of it
};

/// Whether a reload is carried out or only thought through.
enum class ReloadMode { apply, dry_run };

/// What came of a reload.
struct ReloadReport {
  enum class Verdict {
    done,      ///< it goes on as planned; of a dry run: it would
    invalid,   ///< `problems` says all that is wrong
    conflict,  ///< another one is under way
    gone,      ///< the guest is not up yet, or not any more
  };
  Verdict verdict = Verdict::done;
  std::string message;  ///< why it was refused
  config::Problems problems;
  core::ReloadPlan plan;
  std::string digest;  ///< of the text
};

class ExecBook;

class Guest {
 public:
  virtual ~Guest() = default;

  [[nodiscard]] virtual std::size_t service_count() const = 0;
  [[nodiscard]] virtual std::optional<core::ServiceId> find(std::string_view name) const = 0;
  [[nodiscard]] virtual std::string name(core::ServiceId id) const = 0;
  [[nodiscard]] virtual core::ServiceView view(core::ServiceId id) const = 0;
  [[nodiscard]] virtual std::optional<Usage> usage(core::ServiceId id) const = 0;
  /// Of its process, where there is one.
  [[nodiscard]] virtual std::optional<Duration> uptime(core::ServiceId id) const = 0;
  [[nodiscard]] virtual core::HealthView health() const = 0;
  [[nodiscard]] virtual core::Phase phase() const = 0;
  [[nodiscard]] virtual InfoView info() const = 0;
  /// Of those that have been started, in that order.
  [[nodiscard]] virtual std::vector<ServiceTimes> service_times() const = 0;
  /// nullopt where no host is wanted.
  [[nodiscard]] virtual std::optional<LinkView> link() const = 0;

  /// Changes what is desired; what follows from it is carried out after the return, not inside.
  virtual core::Reply apply(const core::Command& command) = 0;

  /// What is running; while a reload is under way still the configuration before it.
  [[nodiscard]] virtual ConfigText config_text() const = 0;
  /// Works towards another configuration, YAML; what follows is carried out after the return, not inside.
  virtual ReloadReport reload(std::string text, ReloadMode mode) = 0;

  /// Both live as long as the guest.
  [[nodiscard]] virtual EventJournal& events() = 0;
  [[nodiscard]] virtual LogRing& logs() = 0;
  /// nullptr where no programs are run on request.
  [[nodiscard]] virtual ExecBook* execs() { return nullptr; }
};

}  // namespace kestrel::control
