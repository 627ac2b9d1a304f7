#include "kestrel/app/schedule_book.h"

#include <map>
#include <memory>

#include "kestrel/base/cron.h"
#include "kestrel/base/log.h"
#include "kestrel/sys/time_zone_file.h"

namespace kestrel::app {

namespace {

class ScheduleBook {
 public:
  std::optional<WallTime> next_due(const config::Schedule& schedule, WallTime after) {
    const auto cron = CronSchedule::parse(schedule.expression);
    const auto* zone = find_zone(schedule.timezone);
    if (!cron || !zone) return std::nullopt;
    return cron->next_after(after, *zone);
  }

 private:
  const TimeZone* find_zone(const std::string& name) {
    auto [found, is_new] = zones_.try_emplace(name);
    if (is_new) {
      auto loaded = sys::load_time_zone(name);
      if (loaded) {
        found->second = std::move(*loaded);
      } else {
        log_error(loaded.error().message);
      }
    }
    return found->second ? &*found->second : nullptr;
  }

  std::map<std::string, std::optional<TimeZone>> zones_;
};

}  // namespace

core::NextDue make_schedule_book() {
  return [book = std::make_shared<ScheduleBook>()](const config::Schedule& schedule, WallTime after) {
    return book->next_due(schedule, after);
  };
}

}  // namespace kestrel::app
