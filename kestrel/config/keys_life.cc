// How a service becomes ready, is started again, and ends.
#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

constexpr Choice<RestartPolicy> policy_choices[] = {
    {"always", RestartPolicy::always},
    {"on_failure", RestartPolicy::on_failure},
    {"never", RestartPolicy::never},
};
constexpr auto read_policy = read_choice<policy_choices>;

constexpr Choice<OnExhausted> on_exhausted_choices[] = {
    {"fail", OnExhausted::fail},
    {"shutdown", OnExhausted::shutdown},
};
constexpr auto read_on_exhausted = read_choice<on_exhausted_choices>;

constexpr Choice<ExitAction> exit_choices[] = {
    {"ignore", ExitAction::ignore},
    {"restart", ExitAction::restart},
    {"shutdown", ExitAction::shutdown},
};
constexpr auto read_exit_action = read_choice<exit_choices>;

std::optional<double> read_factor(Context& context, const Raw& raw) {
  return read_fraction(context, raw, 1, 100);
}
std::optional<double> read_share(Context& context, const Raw& raw) {
  return read_fraction(context, raw, 0, 1);
}

constexpr Key<Backoff> backoff_keys[] = {
    {"initial", into<read_duration, &Backoff::initial>, "the delay after the first failure", "100ms"},
    {"factor", into<read_factor, &Backoff::factor>, "by which each further failure lengthens it", "2"},
    {"max", into<read_duration, &Backoff::max>, "the longest delay", "30s"},
    {"jitter", into<read_share, &Backoff::jitter>, "the share by which a delay varies", "0.1"},
    {"reset_after", into<read_duration, &Backoff::reset_after>,
     "after a longer uptime the restart is immediate, and earlier failures are forgotten", "10s"},
};

std::optional<Backoff> read_backoff(Context& context, const Raw& raw) {
  auto backoff = read_struct<Backoff, backoff_keys>(context, raw);
  if (backoff && backoff->initial > backoff->max) {
    context.report(raw.at, concat("'initial' (", format_duration(backoff->initial), ") is beyond 'max' (",
                                  format_duration(backoff->max), ')'));
  }
  return backoff;
}

constexpr Key<RestartDraft> restart_keys[] = {
    {"policy", placed_into<read_policy, &RestartDraft::policy>,
     "`always` for services and `never` for jobs and what has a `schedule` (which cannot have `always`), "
     "where it is not given"},
    {"backoff", into<read_backoff, &RestartDraft::restart, &Restart::backoff>,
     "how long to wait before a restart"},
    {"max_restarts", into<read_count, &RestartDraft::restart, &Restart::max_restarts>,
     "restarts within `window`; 0: without limit", "0"},
    {"window", into<read_period, &RestartDraft::restart, &Restart::window>,
     "the time that `max_restarts` is meant for", "10m"},
    {"on_exhausted", into<read_on_exhausted, &RestartDraft::restart, &Restart::on_exhausted>,
     "when there were more: the service fails, or the guest shuts down", "fail"},
};

constexpr Key<Stop> stop_keys[] = {
    {"signal", into<read_signal, &Stop::signal>, "what asks it to end: `TERM`, `SIGTERM`, `15`, `RTMIN+3`",
     "TERM"},
    {"timeout", into<read_duration, &Stop::timeout>, "then all that is left of it is killed", "10s"},
};

constexpr Key<OnExit> on_exit_keys[] = {
    {"success", into<read_exit_action, &OnExit::success>,
     "what follows an exit with success; the restart policy decides where it is not given"},
    {"failure", into<read_exit_action, &OnExit::failure>,
     "what follows any other end; the restart policy decides where it is not given"},
};

using Ways = std::vector<Readiness>;

void read_notify(Context& context, const RawEntry& entry, Ways& ways) {
  const auto wanted = read_flag(context, *entry.value);
  if (wanted && !*wanted)
    context.report(entry.value->at, "'notify' can only be true; leave it out for the default");
  ways.push_back(ReadyByNotify{});
}

template <typename W, auto Read>
void read_way(Context& context, const RawEntry& entry, Ways& ways) {
  auto value = Read(context, *entry.value);
  ways.push_back(value ? W{*std::move(value)} : W{});
}

// 0, 1 and 2 are the process's standard streams.
constexpr auto read_notification_fd = read_number<int, 3, 1023>;

constexpr Key<Ways> readiness_keys[] = {
    {"notify", read_notify,
     "when it says `READY=1` to the socket in `NOTIFY_SOCKET`, as "
     "[sd_notify](https://man7.org/linux/man-pages/man3/sd_notify.3.html) has it; only `true`"},
    {"fd", read_way<ReadyByFd, read_notification_fd>,
     "when it writes a newline to that descriptor, as "
     "[s6](https://skarnet.org/software/s6/notifywhenup.html) has it; closing it without one ends the start"},
    {"log", read_way<ReadyByLog, read_pattern>, "when a line of its standard output or error matches"},
    {"tcp", read_way<ReadyByTcp, read_port>, "when that port of 127.0.0.1 accepts a connection"},
};

}  // namespace

std::optional<RestartDraft> read_restart(Context& context, const Raw& raw) {
  if (std::holds_alternative<RawMap>(raw.value)) return read_struct<RestartDraft, restart_keys>(context, raw);
  if (!std::holds_alternative<RawScalar>(raw.value)) {
    context.report_expected(raw, "a policy or a map");
    return std::nullopt;
  }
  const auto policy = read_policy(context, raw);
  if (!policy) return std::nullopt;
  RestartDraft draft;
  draft.policy = {*policy, raw.at};
  return draft;
}

std::optional<Stop> read_stop(Context& context, const Raw& raw) {
  return read_struct<Stop, stop_keys>(context, raw);
}

std::optional<OnExit> read_on_exit(Context& context, const Raw& raw) {
  return read_struct<OnExit, on_exit_keys>(context, raw);
}

std::optional<Readiness> read_readiness(Context& context, const Raw& raw) {
  auto ways = read_struct<Ways, readiness_keys>(context, raw);
  if (!ways) return std::nullopt;
  if (ways->size() == 1) return ways->front();
  context.report(raw.at, "'ready' expects exactly one of 'notify', 'fd', 'log' and 'tcp'");
  return std::nullopt;
}

}  // namespace kestrel::config
