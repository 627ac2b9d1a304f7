// One entry of `exec`.
#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

// --- dependencies
// ----------------------------------------------------------------------------------------------------
constexpr Choice<Condition> condition_choices[] = {
    {"started", Condition::started},
    {"ready", Condition::ready},
    {"healthy", Condition::healthy},
    {"completed", Condition::completed},
};
constexpr auto read_condition = read_choice<condition_choices>;

constexpr Key<DependencyDraft> dependency_keys[] = {
    {"name", Support::now, placed_into<read_word, &DependencyDraft::service>},
    {"condition", Support::now, placed_into<read_condition, &DependencyDraft::condition>},
    {"restart", Support::now, into<read_flag, &DependencyDraft::restart>},
    {"required", Support::now, into<read_flag, &DependencyDraft::required>},
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

// --- who runs it
// -------------------------------------------------------------------------------------------------------
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

// --- when it runs
// ------------------------------------------------------------------------------------------------------
constexpr Choice<Overlap> overlap_choices[] = {
    {"forbid", Overlap::forbid},
    {"allow", Overlap::allow},
    {"replace", Overlap::replace},
};

std::optional<Overlap> read_overlap(Context& context, const Raw& raw) {
  const auto overlap = read_choice<overlap_choices>(context, raw);
  if (overlap != Overlap::allow) return overlap;
  context.report(raw.at, "'concurrency' allow is not supported by this version of kestrel");
  return std::nullopt;
}

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
    {"name", Support::now, into<read_name, &Draft::service, &Service::name>},
    {"command", Support::now, into<read_program, &Draft::service, &Service::command, &Command::program>},
    {"args", Support::now, into<read_arguments, &Draft::service, &Service::command, &Command::args>},
    {"run_once", Support::now, into<read_kind, &Draft::service, &Service::kind>},
    {"depends_on", Support::now, into<read_dependencies, &Draft::depends_on>},
    {"working_dir", Support::now, into<read_absolute_path, &Draft::service, &Service::working_dir>},
    {"user", Support::now, read_user_row},
    {"groups", Support::now, read_groups_row},
    {"umask", Support::now, into<read_mode_mask, &Draft::service, &Service::umask>},
    {"env", Support::now, into<read_environment, &Draft::service, &Service::environment>},
    {"restart", Support::now, placed_into<read_restart, &Draft::restart>},
    {"stop", Support::now, into<read_stop, &Draft::service, &Service::stop>},
    {"ready", Support::now, into<read_readiness, &Draft::service, &Service::ready>},
    {"start_timeout", Support::now, into<read_period, &Draft::service, &Service::start_timeout>},
    {"health", Support::now, into<read_checks, &Draft::checks>},
    {"hooks", Support::now, into<read_service_hooks, &Draft::service, &Service::hooks>},
    {"limits", Support::now, into<read_limits, &Draft::service, &Service::limits>},
    {"security", Support::now, into<read_security, &Draft::service, &Service::security>},
    {"on_exit", Support::now, into<read_on_exit, &Draft::service, &Service::on_exit>},
    {"success_exit_codes", Support::now,
     into<read_exit_codes, &Draft::service, &Service::success_exit_codes>},
    {"schedule", Support::now, read_schedule_row<read_cron_expression, &Schedule::expression>},
    {"timezone", Support::now, read_schedule_row<read_time_zone_name, &Schedule::timezone>},
    {"concurrency", Support::now, read_schedule_row<read_overlap, &Schedule::concurrency>},
    {"tier", Support::now, into<read_tier, &Draft::service, &Service::tier>},
    {"log", Support::now, into<read_log, &Draft::service, &Service::log>},
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
