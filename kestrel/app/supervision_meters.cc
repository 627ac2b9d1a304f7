// What is measured of the guest and its services while they run, and shown beside the supervisor's own view
// of them.
#include <algorithm>

#include "kestrel/app/supervision.h"
#include "kestrel/sys/boot.h"
#include "kestrel/sys/clock.h"

namespace kestrel::app {

namespace {

std::int64_t boot_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(sys::uptime()).count();
}

/// The guest's own milestones in the timeline of the boot; empty for other news.
std::string_view milestone_of(core::NoticeType type) {
  switch (type) {
    case core::NoticeType::vm_booted:
      return "services";
    case core::NoticeType::vm_ready:
      return "ready";
    case core::NoticeType::vm_healthy:
      return "healthy";
    default:
      return {};
  }
}

}  // namespace

control::InfoView Supervision::info() const {
  auto info = options_.info();
  info.config_digest = config_.digest;
  info.boot.insert(info.boot.end(), milestones_.begin(), milestones_.end());
  return info;
}

std::optional<control::Usage> Supervision::usage(core::ServiceId id) const {
  std::optional<control::Usage> usage;
  for (const auto* live : live_runs(name(id))) {
    if (!usage) usage.emplace();
    if (const auto memory = processes_.memory(live->process))
      usage->memory = Bytes{usage->memory.value_or(Bytes{}).count + memory->count};
    if (const auto peak = processes_.memory_peak(live->process))
      usage->memory_peak = Bytes{usage->memory_peak.value_or(Bytes{}).count + peak->count};
    if (const auto cpu = processes_.cpu(live->process))
      usage->cpu = usage->cpu.value_or(milliseconds{}) + std::chrono::duration_cast<milliseconds>(*cpu);
  }
  return usage;
}

std::optional<Duration> Supervision::uptime(core::ServiceId id) const {
  const auto found = runs_.find(name(id));
  if (found == runs_.end() || found->second.started == MonotonicTime{} || live_runs(name(id)).empty())
    return std::nullopt;
  return sys::monotonic_now() - found->second.started;
}

void Supervision::meter(const core::Notice& notice, const std::string& service) {
  using Type = core::NoticeType;
  Runs& runs = runs_[service];
  const auto reached = [](std::optional<std::int64_t>& first) {
    if (!first) first = boot_microseconds();
  };
  if (notice.type == Type::service_starting) reached(runs.first.starting_us);
  if (notice.type == Type::service_started) {
    runs.started = sys::monotonic_now();
    reached(runs.first.started_us);
  }
  if (notice.type == Type::service_ready) reached(runs.first.ready_us);
  if (notice.type == Type::service_healthy) reached(runs.first.healthy_us);
  if (notice.type == Type::job_completed) reached(runs.first.completed_us);
}

void Supervision::note_milestone(core::NoticeType type) {
  const std::string name(milestone_of(type));
  const bool is_known = std::any_of(milestones_.begin(), milestones_.end(),
                                    [&name](const wire::BootStep& step) { return step.name == name; });
  if (!name.empty() && !is_known) milestones_.push_back({name, boot_microseconds()});
}

std::vector<control::ServiceTimes> Supervision::service_times() const {
  std::vector<control::ServiceTimes> all;
  for (std::uint32_t i = 0; i < service_count(); ++i) {
    const auto runs = runs_.find(name({i}));
    if (runs == runs_.end() || !runs->second.first.starting_us) continue;
    all.push_back(runs->second.first);
    all.back().name = runs->first;
    all.back().kind = supervisor_.view({i}, sys::now()).kind;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& one, const auto& other) { return one.starting_us < other.starting_us; });
  return all;
}

}  // namespace kestrel::app
