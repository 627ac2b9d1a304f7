#include "kestrel/core/health.h"

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"

namespace kestrel::core {

void HealthCheck::begin(MonotonicTime now) {
  phase_ = Planned{now};
  status_ = Health::starting;
  began_ = now;
  failures_ = successes_ = 0;
  last_.reset();
}

std::optional<ProbeId> HealthCheck::end() {
  const auto under_way = probing();
  phase_ = Idle{};
  return under_way;
}

std::optional<ProbeId> HealthCheck::lose_time(Duration by, MonotonicTime now) {
  began_ += by;
  const auto under_way = probing();
  if (under_way) phase_ = Planned{now};
  return under_way;
}

void HealthCheck::take_over(const HealthCheck& before, MonotonicTime now) {
  const auto* definition = definition_;
  *this = before;
  definition_ = definition;
  if (probing()) phase_ = Planned{now};
}

std::optional<MonotonicTime> HealthCheck::deadline() const {
  using Deadline = std::optional<MonotonicTime>;
  return std::visit(overloaded{
                        [](const Idle&) -> Deadline { return std::nullopt; },
                        [](const Planned& planned) -> Deadline { return planned.at; },
                        [](const Probing& probing) -> Deadline { return probing.deadline; },
                    },
                    phase_);
}

std::optional<ProbeId> HealthCheck::probing() const {
  const auto* probing = std::get_if<Probing>(&phase_);
  return probing ? std::optional(probing->probe) : std::nullopt;
}

CheckStep HealthCheck::handle_deadline(Now now, ProbeId next_probe) {
  const auto at = deadline();
  if (!at || *at > now.monotonic) return {};
  if (const auto late = probing()) {
    auto step = conclude(false, concat("no result within ", format_duration(definition_->timeout)), now);
    step.cancelled = late;
    return step;
  }
  phase_ = Probing{next_probe, now.monotonic + definition_->timeout};
  return {.start_probe = true};
}

CheckStep HealthCheck::handle_result(ProbeId probe, bool is_ok, std::string message, Now now) {
  if (probing() != probe) return {};
  return conclude(is_ok, std::move(message), now);
}

CheckStep HealthCheck::conclude(bool is_ok, std::string message, Now now) {
  last_ = CheckResult{now.wall, is_ok, std::move(message)};
  const auto change = count(is_ok, now.monotonic);
  const bool is_starting = status_ == Health::starting && now.monotonic < began_ + definition_->start_period;
  phase_ = Planned{now.monotonic + (is_starting ? definition_->start_interval : definition_->interval)};
  return {.change = change};
}

CheckStep::Change HealthCheck::count(bool is_ok, MonotonicTime now) {
  if (is_ok) {
    failures_ = 0;
    ++successes_;
    // The first success ends the start period; how many more are needed is asked only of a check that was
    // unhealthy.
    const bool is_enough = status_ == Health::starting || successes_ >= definition_->success_threshold;
    if (status_ == Health::healthy || !is_enough) return CheckStep::Change::none;
    status_ = Health::healthy;
    return CheckStep::Change::became_healthy;
  }
  successes_ = 0;
  const bool is_forgiven = status_ == Health::starting && now < began_ + definition_->start_period;
  if (is_forgiven) return CheckStep::Change::none;
  ++failures_;
  if (status_ == Health::unhealthy || failures_ < definition_->failure_threshold)
    return CheckStep::Change::none;
  status_ = Health::unhealthy;
  return CheckStep::Change::became_unhealthy;
}

CheckView HealthCheck::view() const {
  return {.name = definition_->name,
          .type = type_name(definition_->probe),
          .status = status_,
          .failures = failures_,
          .last = last_};
}

std::string HealthCheck::describe_failure() const {
  auto text =
      concat("check '", definition_->name, "' failed ", failures_, failures_ == 1 ? " time" : " times");
  return last_ ? concat(text, ": ", last_->message) : text;
}

std::string_view type_name(const config::Probe& probe) {
  return std::visit(overloaded{
                        [](const config::HttpProbe&) { return std::string_view("http"); },
                        [](const config::TcpProbe&) { return std::string_view("tcp"); },
                        [](const config::ExecProbe&) { return std::string_view("exec"); },
                    },
                    probe);
}

}  // namespace kestrel::core
