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
    {"initial", Support::now, into<read_duration, &Backoff::initial>},
    {"factor", Support::now, into<read_factor, &Backoff::factor>},
    {"max", Support::now, into<read_duration, &Backoff::max>},
    {"jitter", Support::now, into<read_share, &Backoff::jitter>},
    {"reset_after", Support::now, into<read_duration, &Backoff::reset_after>},
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
    {"policy", Support::now, placed_into<read_policy, &RestartDraft::policy>},
    {"backoff", Support::now, into<read_backoff, &RestartDraft::restart, &Restart::backoff>},
    {"max_restarts", Support::now, into<read_count, &RestartDraft::restart, &Restart::max_restarts>},
    {"window", Support::now, into<read_period, &RestartDraft::restart, &Restart::window>},
    {"on_exhausted", Support::now, into<read_on_exhausted, &RestartDraft::restart, &Restart::on_exhausted>},
};

constexpr Key<Stop> stop_keys[] = {
    {"signal", Support::now, into<read_signal, &Stop::signal>},
    {"timeout", Support::now, into<read_duration, &Stop::timeout>},
};

constexpr Key<OnExit> on_exit_keys[] = {
    {"success", Support::now, into<read_exit_action, &OnExit::success>},
    {"failure", Support::now, into<read_exit_action, &OnExit::failure>},
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
    {"notify", Support::now, read_notify},
    {"fd", Support::now, read_way<ReadyByFd, read_notification_fd>},
    {"log", Support::now, read_way<ReadyByLog, read_pattern>},
    {"tcp", Support::now, read_way<ReadyByTcp, read_port>},
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
