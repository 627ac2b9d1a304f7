// When a scheduled service is due.
#include "kestrel/base/cron.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {

std::optional<std::string> read_cron_expression(Context& context, const Raw& raw) {
  auto text = read_word(context, raw);
  if (!text) return std::nullopt;
  const Result<CronSchedule> schedule = CronSchedule::parse(*text);
  if (!schedule) {
    context.report(raw.at,
                   concat(quoted(context.key), " is not a cron expression: ", schedule.error().message));
  } else if (!schedule->next_after(WallTime{}, TimeZone::utc())) {
    context.report(raw.at, concat(quoted(context.key), " is never due: no month has such a day"));
  }
  // Kept even so: the schedule is there, only wrong.
  return text;
}

std::optional<std::string> read_time_zone_name(Context& context, const Raw& raw) {
  auto text = read_text(context, raw);
  if (!text || is_time_zone_name(*text)) return text;
  context.report_expected(raw, "the name of a time zone such as Europe/Berlin");
  return std::nullopt;
}

}  // namespace kestrel::config
