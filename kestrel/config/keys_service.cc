// One entry of `exec`.
#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

// --- dependencies -----------------------------------------------------------------------------------------
constexpr Choice<Condition> condition_choices[] = {
    {"started", Condition::started},
    {"ready", Condition::ready},
    {"healthy", Condition::healthy},
    {"completed", Condition::completed},
};
constexpr auto read_condition = read_choice<condition_choices>;

constexpr Key<DependencyDraft> dependency_keys[] = {
    {"name", placed_into<read_word, &DependencyDraft::service>, "of the service or job it waits for"},
    {"condition", placed_into<read_condition, &DependencyDraft::condition>,
     "`completed` for a job, `healthy` for a service with `health`, else `ready`, where it is not given"},
    {"restart", into<read_flag, &DependencyDraft::restart>, "it is restarted whenever its dependency is",
     "false"},
    {"required", into<read_flag, &DependencyDraft::required>,
     "`false`: it starts although the dependency failed", "true"},
};

/// A name, or a map with one.
std::optional<DependencyDraft> read_dependency(Context& context, const Raw& raw) {
  if (std::holds_alternative<RawScalar>(raw.value)) {
    auto name = read_word(context, raw);
    if (!name) return std::nullopt;
    DependencyDraft draft;
    draft.service = {*std::move(name), raw.at};
    return draft;
  }
  if (!std::holds_alternative<RawMap>(raw.value)) {
    context.report_expected(raw, "names or maps with 'name'");
    return std::nullopt;
  }
  require_key(context, raw, "name");
  auto draft = read_struct<DependencyDraft, dependency_keys>(context, raw);
  if (draft && draft->service.value.empty()) return std::nullopt;
  return draft;
}
constexpr auto read_dependencies = read_list<read_dependency>;

// --- who runs it ------------------------------------------------------------------------------------------
std::optional<User> read_user(Context& context, const Raw& raw) {
  const auto text = read_word(context, raw);
  if (!text) return std::nullopt;
  const auto parts = split(*text, ':');
  const bool has_space = text->find_first_of(" \t\r\n/") != std::string::npos;
  if (parts.size() > 2 || parts.front().empty() || parts.back().empty() || has_space) {
    context.report_expected(raw, "a user or user:group, each a name or a number");
    return std::nullopt;
  }
  User user;
  user.name = parts.front();
  if (parts.size() == 2) user.group = parts.back();
  return user;
}

User& user_of(ServiceDraft& target) {
  if (!target.service.user) target.service.user.emplace();
  return *target.service.user;
}

void read_user_row(Context& context, const RawEntry& entry, ServiceDraft& target) {
  auto user = read_user(context, *entry.value);
  if (!user) return;
  User& own = user_of(target);
  own.name = std::move(user->name);
  own.group = std::move(user->group);
}

void read_groups_row(Context& context, const RawEntry& entry, ServiceDraft& target) {
  auto groups = read_list<read_word>(context, *entry.value);
  if (groups) user_of(target).supplementary = *std::move(groups);
}

// --- when it runs -----------------------------------------------------------------------------------------
constexpr Choice<Overlap> overlap_choices[] = {
    {"forbid", Overlap::forbid},
    {"allow", Overlap::allow},
    {"replace", Overlap::replace},
};

constexpr auto read_overlap = read_choice<overlap_choices>;

template <auto Read, auto Member>
void read_schedule_row(Context& context, const RawEntry& entry, ServiceDraft& target) {
  auto value = Read(context, *entry.value);
  if (!value) return;
  auto& schedule = target.service.schedule;
  if (!schedule) schedule.emplace();
  (*schedule).*Member = *std::move(value);
}

std::optional<Kind> read_kind(Context& context, const Raw& raw) {
  const auto runs_once = read_flag(context, raw);
  if (!runs_once) return std::nullopt;
  return *runs_once ? Kind::job : Kind::service;
}

constexpr Choice<Tier> tier_choices[] = {{"normal", Tier::normal}, {"infrastructure", Tier::infrastructure}};
constexpr auto read_tier = read_choice<tier_choices>;

constexpr auto read_exit_code = read_number<int, 0, 255>;
constexpr auto read_exit_codes = read_list<read_exit_code>;

using Draft = ServiceDraft;
constexpr Key<Draft> service_keys[] = {
    {"name", into<read_name, &Draft::service, &Service::name>, "unique"},
    {"command", into<read_program, &Draft::service, &Service::command, &Command::program>,
     "absolute, or a name looked up in PATH"},
    {"args", into<read_arguments, &Draft::service, &Service::command, &Command::args>,
     "no shell is involved"},
    {"run_once", into<read_kind, &Draft::service, &Service::kind>,
     "a job: must exit with success before its dependents start", "false"},
    {"depends_on", into<read_dependencies, &Draft::depends_on>, "what it waits for, by name or as a map"},
    {"working_dir", into<read_absolute_path, &Draft::service, &Service::working_dir>,
     "the folder it starts in; `/` where it is not given"},
    {"user", read_user_row,
     "`user`, `uid` or `user:group`, looked up in `/etc/passwd` and `/etc/group`; root where it is not "
     "given"},
    {"groups", read_groups_row, "names or numbers beside those of `/etc/group`; needs `user`"},
    {"umask", into<read_mode_mask, &Draft::service, &Service::umask>, "inherited where it is not given"},
    {"env", into<read_environment, &Draft::service, &Service::environment>, "its variables"},
    {"restart", placed_into<read_restart, &Draft::restart>, "when it is started again"},
    {"stop", into<read_stop, &Draft::service, &Service::stop>, "how it is stopped"},
    {"ready", into<read_readiness, &Draft::service, &Service::ready>,
     "when others may build on it; when its program was executed, where it is not given"},
    {"start_timeout", into<read_period, &Draft::service, &Service::start_timeout>,
     "not ready by then: it is stopped, and its restart policy decides; where it is not given `60s` with "
     "`ready`, else none"},
    {"health", into<read_checks, &Draft::checks>, "checks of its health"},
    {"hooks", into<read_service_hooks, &Draft::service, &Service::hooks>,
     "programs that run at moments of its life"},
    {"limits", into<read_limits, &Draft::service, &Service::limits>,
     "what it may use; nothing is limited where it is not given"},
    {"security", into<read_security, &Draft::service, &Service::security>,
     "what it may do; root may do everything, another user what the kernel lets anyone do"},
    {"on_exit", into<read_on_exit, &Draft::service, &Service::on_exit>,
     "what follows its end, before its restart policy is asked"},
    {"success_exit_codes", into<read_exit_codes, &Draft::service, &Service::success_exit_codes>,
     "exit codes that are a success", "[0]"},
    {"schedule", read_schedule_row<read_cron_expression, &Schedule::expression>,
     "when it is due: five fields as in [crontab](https://man7.org/linux/man-pages/man5/crontab.5.html), or "
     "`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`"},
    {"timezone", read_schedule_row<read_time_zone_name, &Schedule::timezone>,
     "of the schedule: `Europe/Berlin`…, from the image's `/usr/share/zoneinfo`", "UTC"},
    {"concurrency", read_schedule_row<read_overlap, &Schedule::concurrency>,
     "what to do when it is due while a run is under way", "forbid"},
    {"tier", into<read_tier, &Draft::service, &Service::tier>,
     "`infrastructure` starts before everything normal and stops after it", "normal"},
    {"log", into<read_log, &Draft::service, &Service::log>, "where its lines go"},
};

/// Where the value of `name` stands in the map; the map itself if it has none.
Position position_of(const Raw& raw, std::string_view name) {
  for (const RawEntry& entry : std::get<RawMap>(raw.value)) {
    if (entry.key == name) return entry.value->at;
  }
  return raw.at;
}

}  // namespace

std::optional<ServiceDraft> read_service(Context& context, const Raw& raw) {
  if (!std::holds_alternative<RawMap>(raw.value)) {
    context.report_expected(raw, "maps with 'name' and 'command'");
    return std::nullopt;
  }
  auto draft = read_struct<ServiceDraft, service_keys>(context, raw);
  require_key(context, raw, "name");
  require_key(context, raw, "command");
  draft->at = raw.at;
  draft->name_at = position_of(raw, "name");
  const Service& service = draft->service;
  if (service.user && service.user->name.empty()) require_key(context, raw, "user");
  if (service.schedule && service.schedule->expression.empty()) require_key(context, raw, "schedule");
  return draft;
}

}  // namespace kestrel::config
