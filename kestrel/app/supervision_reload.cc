// The configuration that the supervision follows, and what another one changes beside the supervisor: where
// lines are kept, and what the API shows.
#include "kestrel/app/supervision.h"
#include "kestrel/base/log.h"
#include "kestrel/config/digest.h"
#include "kestrel/config/load.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/clock_watch.h"

namespace kestrel::app {

namespace {

control::WhenFull when_full(const config::Log& log) {
  return log.on_full == config::OnFull::block ? control::WhenFull::keep_untaken
                                              : control::WhenFull::drop_oldest;
}

}  // namespace

control::ReloadReport Supervision::reload(std::string text, control::ReloadMode mode) {
  using Verdict = control::ReloadReport::Verdict;
  auto loaded = config::load(text);
  if (auto* problems = std::get_if<config::Problems>(&loaded))
    return {.verdict = Verdict::invalid, .problems = std::move(*problems)};
  if (options_.amend) options_.amend(std::get<config::Model>(loaded));
  auto model = std::make_shared<const config::Model>(std::get<config::Model>(std::move(loaded)));
  control::ReloadReport report{.plan = core::plan_reload(supervisor_.model(), *model),
                               .digest = config::digest(text)};
  if (mode == control::ReloadMode::dry_run) return report;
  auto reply = supervisor_.reload(std::move(model), sys::now());
  if (reply.verdict != core::Reply::Verdict::done) {
    report.verdict = reply.verdict == core::Reply::Verdict::gone ? Verdict::gone : Verdict::conflict;
    report.message = std::move(reply.message);
    return report;
  }
  next_config_ = {std::move(text), report.digest};
  turn_soon();
  return report;
}

void Supervision::perform(const core::AdoptModel&) {
  config_ = std::exchange(next_config_, {});
  add_sources();
  adopt_logs();
  watch_clock();
  std::erase_if(runs_, [this](const auto& one) { return !supervisor_.find(one.first); });
}

/// A service keeps its place in the log across reloads, under the bounds of the model of the day.
void Supervision::add_sources() {
  sources_.clear();
  for (const auto& service : supervisor_.model().services) {
    const auto known = records_->logs.find(service.name);
    const auto bounds = when_full(service.log);
    sources_.push_back(known ? *known : records_->logs.add_source(service.name, service.log.ring, bounds));
    if (known) records_->logs.set_bounds(*known, service.log.ring, bounds);
  }
}

/// Processes that go on print from now on to where the new model says.
void Supervision::adopt_logs() {
  // Backwards: of services that share a file, the first one's rotation is the last to be set.
  for (auto i = static_cast<std::uint32_t>(supervisor_.service_count()); i-- > 0;) {
    const auto& service = supervisor_.definition(core::ServiceId{i});
    auto* const file = file_of(service.log);
    if (file) file->set_rotation(service.log.rotate);
    for (auto* live : live_runs(service.name)) {
      live->standard_output.adopt_log(file);
      live->standard_error.adopt_log(file);
    }
  }
}

/// Schedules go by the wall clock, which may be set. Without the watch they notice within a minute.
void Supervision::watch_clock() {
  const auto& services = supervisor_.model().services;
  const bool is_needed = std::any_of(services.begin(), services.end(),
                                     [](const config::Service& one) { return one.schedule.has_value(); });
  if (!is_needed || clock_watch_.is_open()) return;
  auto watch = sys::open_clock_watch();
  if (!watch) return log_warning(watch.error().message);
  clock_watch_ = std::move(*watch);
  clock_watcher_ = loop::FdWatcher(*loop_, clock_watch_.get(), [this](loop::Interest) {
    if (sys::hear_clock_was_set(clock_watch_.get())) post(core::ClockWasSet{});
  });
  clock_watcher_.watch({.readable = true});
}

/// Where a service's lines are kept beside the ring; nullptr: nowhere.
LogFile* Supervision::file_of(const config::Log& log) {
  return log.file ? &files_.try_emplace(*log.file, *log.file, log.rotate).first->second : nullptr;
}

}  // namespace kestrel::app
