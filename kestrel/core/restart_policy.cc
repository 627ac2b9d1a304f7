#include "kestrel/core/restart_policy.h"

#include <algorithm>
#include <cmath>

#include "kestrel/base/text.h"

namespace kestrel::core {

namespace {

std::string describe_end(const EndedRun& run) {
  switch (run.cause) {
    case StopCause::unhealthy:
      return "unhealthy";
    case StopCause::start_timeout:
      return "not ready in time";
    case StopCause::watchdog:
    case StopCause::start_failed:
      return run.reason;
    case StopCause::desired:
    case StopCause::restart:
    case StopCause::dependency:
    case StopCause::replaced:
    case StopCause::own_exit:
      return describe(run.exit);
  }
  return {};
}

/// Counts the restart against the budget; false where the budget is used up.
bool take_from_budget(const config::Restart& restart, RestartHistory& history, MonotonicTime now) {
  if (restart.max_restarts == 0) return true;
  std::erase_if(history.restarts, [&](MonotonicTime at) { return at <= now - restart.window; });
  if (history.restarts.size() >= restart.max_restarts) return false;
  history.restarts.push_back(now);
  return true;
}

AfterEnd start_again(const config::Service& service, const EndedRun& run, RestartHistory& history,
                     MonotonicTime now, double spread) {
  const auto& restart = service.restart;
  if (!take_from_budget(restart, history, now)) {
    auto reason = concat("gave up after ", restart.max_restarts, " restarts within ",
                         format_duration(restart.window), "; last: ", describe_end(run));
    if (restart.on_exhausted == config::OnExhausted::shutdown) return ShutDownGuest{std::move(reason), false};
    return Fail{std::move(reason)};
  }
  if (run.uptime >= restart.backoff.reset_after) {
    history.failures = 0;
    return StartAgain{Duration::zero(), describe_end(run)};
  }
  ++history.failures;
  return StartAgain{backoff_delay(restart.backoff, history.failures, spread), describe_end(run)};
}

config::ExitAction action_of_policy(const config::Service& service, bool succeeded) {
  if (service.kind == config::Kind::job && succeeded) return config::ExitAction::ignore;
  switch (service.restart.policy) {
    case config::RestartPolicy::always:
      return config::ExitAction::restart;
    case config::RestartPolicy::on_failure:
      return succeeded ? config::ExitAction::ignore : config::ExitAction::restart;
    case config::RestartPolicy::never:
      return config::ExitAction::ignore;
  }
  return config::ExitAction::ignore;
}

}  // namespace

bool is_configuration_error(const Exit& exit) {
  return exit.signal == 0 && (exit.code == 78 || exit.code == 126 || exit.code == 127);
}

bool is_success(const config::Service& service, const Exit& exit) {
  const auto& codes = service.success_exit_codes;
  return exit.signal == 0 && std::find(codes.begin(), codes.end(), exit.code) != codes.end();
}

int shell_status(const Exit& exit) { return exit.signal == 0 ? exit.code : 128 + exit.signal; }

std::string describe(const Exit& exit) {
  if (exit.is_oom_kill) return "killed: out of memory";
  if (exit.signal != 0) return concat("killed by ", signal_name(exit.signal));
  if (exit.is_untold) return "ended, and another process took its exit status";
  return concat("exited with ", exit.code);
}

Duration backoff_delay(const config::Backoff& backoff, std::uint32_t failures, double spread) {
  if (failures == 0) return Duration::zero();
  const double ceiling = static_cast<double>(backoff.max.count());
  const double grown = static_cast<double>(backoff.initial.count()) * std::pow(backoff.factor, failures - 1);
  const double jittered = std::min(grown, ceiling) * (1.0 + backoff.jitter * spread);
  return Duration(static_cast<Duration::rep>(std::clamp(jittered, 0.0, ceiling)));
}

AfterEnd decide_after_end(const config::Service& service, const EndedRun& run, RestartHistory& history,
                          MonotonicTime now, double spread) {
  const bool was_asked_for = run.cause == StopCause::desired || run.cause == StopCause::restart ||
                             run.cause == StopCause::dependency || run.cause == StopCause::replaced;
  if (was_asked_for) return StartAgain{};

  const bool ended_by_itself = run.cause == StopCause::own_exit;
  const bool succeeded = ended_by_itself && is_success(service, run.exit);
  if (ended_by_itself && !succeeded && is_configuration_error(run.exit)) {
    return Fail{concat(describe(run.exit), ", a configuration error: not tried again")};
  }
  const auto& asked = succeeded ? service.on_exit.success : service.on_exit.failure;
  switch (asked.value_or(action_of_policy(service, succeeded))) {
    case config::ExitAction::restart:
      return start_again(service, run, history, now, spread);
    case config::ExitAction::shutdown:
      return ShutDownGuest{describe_end(run), succeeded};
    case config::ExitAction::ignore:
      break;
  }
  if (succeeded) return Complete{};
  return Fail{describe_end(run)};
}

}  // namespace kestrel::core
