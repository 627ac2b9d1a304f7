// The guest as a whole: its way up through the hooks, its health, its batch, and its way down.
#include "kestrel/core/supervisor.h"

#include <algorithm>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"

namespace kestrel::core {

namespace {

/// How long a top-level hook may take (DESIGN.md, "Hooks").
constexpr Duration hook_timeout = seconds(60);
/// How long a shutdown waits for processes that do not even die of SIGKILL (stuck in the kernel).
constexpr Duration patience_after_kill = seconds(5);

bool has_process(const State& state) {
  return std::holds_alternative<Starting>(state) || std::holds_alternative<Running>(state) ||
         std::holds_alternative<Stopping>(state);
}

}  // namespace

Supervisor::Supervisor(const config::Model& model, std::uint64_t seed)
    : model_(&model), graph_(model), services_(model.services.size()), guest_(NotBegun{}), random_(seed) {
  guest_check_count_ = static_cast<std::uint32_t>(model.checks.size());
  for (const auto& check : model.checks) checks_.push_back({std::nullopt, HealthCheck(check)});
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    services_[i].first_check = CheckId{static_cast<std::uint32_t>(checks_.size())};
    services_[i].check_count = static_cast<std::uint32_t>(model.services[i].checks.size());
    for (const auto& check : model.services[i].checks) checks_.push_back({ServiceId{i}, HealthCheck(check)});
  }
}

void Supervisor::begin(Now now) {
  publish(NoticeType::vm_booted);
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    services_[i].desired = Desired::running;
    enter(ServiceId{i}, Waiting{}, now);
  }
  if (model_->hooks.pre_start.empty()) {
    bring_up();
  } else {
    run_hook(HookId{0}, now.monotonic);
  }
  settle(now);
}

void Supervisor::handle(const Event& event, Now now) {
  std::visit([&](const auto& one) { on(one, now); }, event);
  settle(now);
}

// --- hooks -----------------------------------------------------------------------------------------------

void Supervisor::run_hook(HookId hook, MonotonicTime now) {
  const RunId run{++last_run_};
  effects_.push_back(SpawnProcess{run, hook});
  guest_ = Preparing{hook, run, now + hook_timeout};
}

void Supervisor::conclude_hook(HookId hook, Now now) {
  if (hook.value + 1 < model_->hooks.pre_start.size()) return run_hook(HookId{hook.value + 1}, now.monotonic);
  bring_up();
}

void Supervisor::fail_hook(HookId hook, std::string_view failure, Exit exit, Now now) {
  auto reason = concat("pre_start hook ", model_->hooks.pre_start[hook.value].program, " ", failure);
  shut_down(
      {.status = std::max(1, shell_status(exit)), .signal = exit.signal, .cause = "hook", .reason = reason},
      reason, now);
}

void Supervisor::handle_hook_exit(const ProcessExited& event, Now now) {
  if (auto* shutting_down = std::get_if<ShuttingDown>(&guest_)) {
    if (shutting_down->hook == event.run) shutting_down->hook.reset();
    is_guest_concluded_ = false;
    return;
  }
  const auto* preparing = std::get_if<Preparing>(&guest_);
  if (!preparing || preparing->run != event.run) return;
  if (event.leaves_others) effects_.push_back(KillProcesses{event.run});
  const auto hook = preparing->hook;
  if (event.exit == Exit{}) return conclude_hook(hook, now);
  fail_hook(hook, describe(event.exit), event.exit, now);
  std::get<ShuttingDown>(guest_).hook.reset();
}

void Supervisor::handle_hook_failure(const ProcessFailedToStart& event, Now now) {
  if (auto* shutting_down = std::get_if<ShuttingDown>(&guest_)) {
    if (shutting_down->hook == event.run) shutting_down->hook.reset();
    is_guest_concluded_ = false;
    return;
  }
  const auto* preparing = std::get_if<Preparing>(&guest_);
  if (!preparing || preparing->run != event.run) return;
  fail_hook(preparing->hook, concat("did not start: ", event.cause), Exit{.code = 127}, now);
  std::get<ShuttingDown>(guest_).hook.reset();
}

// --- up and down -----------------------------------------------------------------------------------------

/// Opens the gates that the hooks kept closed.
void Supervisor::bring_up() {
  guest_ = Up{};
  is_guest_concluded_ = false;
  for (std::uint32_t i = 0; i < services_.size(); ++i) enqueue(ServiceId{i});
}

void Supervisor::shut_down(Outcome outcome, std::string_view reason, Now now) {
  if (std::holds_alternative<ShuttingDown>(guest_) || std::holds_alternative<Down>(guest_)) return;
  ShuttingDown next{
      .outcome = std::move(outcome), .deadline = now.monotonic + model_->shutdown_timeout, .hook = {}};
  if (const auto* preparing = std::get_if<Preparing>(&guest_)) {
    effects_.push_back(KillProcesses{preparing->run});
    next.hook = preparing->run;
  }
  publish(NoticeType::vm_stopping, {}, std::string(reason));
  guest_ = std::move(next);
  is_guest_concluded_ = false;
  for (std::uint32_t i = 0; i < guest_check_count_; ++i) {
    if (const auto probe = checks_[i].check.end()) effects_.push_back(CancelProbe{*probe});
  }
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    services_[i].desired = Desired::stopped;
    enqueue(ServiceId{i});
  }
}

void Supervisor::kill_everything(Now now) {
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    const ServiceId id{i};
    if (!has_process(at(id).state)) continue;
    if (!std::holds_alternative<Stopping>(at(id).state)) begin_stop(id, StopCause::desired, now);
    auto& stopping = std::get<Stopping>(at(id).state);
    stopping.deadline.reset();
    effects_.push_back(KillProcesses{stopping.run});
  }
}

void Supervisor::pass_guest_deadline(Now now) {
  if (const auto* preparing = std::get_if<Preparing>(&guest_)) {
    if (preparing->deadline > now.monotonic) return;
    fail_hook(preparing->hook, concat("did not end within ", format_duration(hook_timeout)), Exit{}, now);
  } else if (auto* shutting_down = std::get_if<ShuttingDown>(&guest_)) {
    if (shutting_down->deadline > now.monotonic) return;
    is_guest_concluded_ = false;
    if (shutting_down->has_killed) {
      effects_.push_back(Finish{shutting_down->outcome});
      guest_ = Down{};
      return;
    }
    shutting_down->has_killed = true;
    shutting_down->deadline = now.monotonic + patience_after_kill;
    kill_everything(now);
  }
}

// --- conclusions -----------------------------------------------------------------------------------------

std::vector<Effect> Supervisor::take_effects(Now now) {
  while (!is_guest_concluded_) {
    is_guest_concluded_ = true;
    conclude_guest(now);
    settle(now);
  }
  return std::exchange(effects_, {});
}

void Supervisor::conclude_guest(Now now) {
  if (const auto* shutting_down = std::get_if<ShuttingDown>(&guest_)) {
    const bool is_over =
        !shutting_down->hook && std::none_of(services_.begin(), services_.end(),
                                             [](const Service& one) { return has_process(one.state); });
    if (!is_over) return;
    effects_.push_back(Finish{shutting_down->outcome});
    guest_ = Down{};
    return;
  }
  auto* up = std::get_if<Up>(&guest_);
  if (!up) return;
  if (!is_on_first_way_up()) start_guest_checks(now);
  if (!up->was_ready && has_everything_ready()) {
    up->was_ready = true;
    publish(NoticeType::vm_ready);
  }
  const auto view = health();
  if (view.status == Health::healthy && up->published != Health::healthy) {
    publish(NoticeType::vm_healthy);
    up->published = Health::healthy;
  } else if (view.status != Health::healthy &&
             (up->published == Health::healthy ||
              (view.status == Health::unhealthy && up->published == Health::starting))) {
    publish(NoticeType::vm_unhealthy, {}, view.reasons.empty() ? "" : view.reasons.front());
    up->published = Health::unhealthy;
  }
  conclude_batch(now);
}

/// When everything is a job and every job is over, so is the guest.
void Supervisor::conclude_batch(Now now) {
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    const auto& one = model_->services[i];
    if (one.kind != config::Kind::job || one.schedule) return;
    const auto& state = services_[i].state;
    const bool is_over = std::holds_alternative<Completed>(state) || std::holds_alternative<Failed>(state) ||
                         std::holds_alternative<Blocked>(state) || std::holds_alternative<Stopped>(state);
    if (!is_over) return;
  }
  Outcome outcome{.status = 0, .cause = "batch", .reason = "every job has ended"};
  if (first_job_failure_) {
    outcome.status = shell_status(*first_job_failure_);
    outcome.signal = first_job_failure_->signal;
    outcome.is_oom_kill = first_job_failure_->is_oom_kill;
    outcome.reason = concat("a job failed: ", describe(*first_job_failure_));
  }
  const auto reason = outcome.reason;
  shut_down(std::move(outcome), reason, now);
}

bool Supervisor::is_on_first_way_up() const {
  return std::any_of(services_.begin(), services_.end(), [](const Service& one) {
    return one.exits.empty() && one.desired == Desired::running &&
           (std::holds_alternative<Waiting>(one.state) || std::holds_alternative<Starting>(one.state));
  });
}

bool Supervisor::has_everything_ready() const {
  return std::all_of(services_.begin(), services_.end(), [](const Service& one) {
    return one.desired == Desired::stopped || std::holds_alternative<Running>(one.state) ||
           std::holds_alternative<Completed>(one.state);
  });
}

std::optional<MonotonicTime> Supervisor::next_deadline() const {
  std::optional<MonotonicTime> earliest;
  const auto consider = [&](std::optional<MonotonicTime> at) {
    if (at && (!earliest || *at < *earliest)) earliest = at;
  };
  if (const auto* preparing = std::get_if<Preparing>(&guest_)) consider(preparing->deadline);
  if (const auto* shutting_down = std::get_if<ShuttingDown>(&guest_)) consider(shutting_down->deadline);
  for (const auto& service : services_) {
    if (const auto* starting = std::get_if<Starting>(&service.state)) consider(starting->deadline);
    if (const auto* stopping = std::get_if<Stopping>(&service.state)) consider(stopping->deadline);
    if (const auto* backing_off = std::get_if<BackingOff>(&service.state)) consider(backing_off->deadline);
  }
  for (const auto& owned : checks_) consider(owned.check.deadline());
  return earliest;
}

void Supervisor::publish(NoticeType type, std::optional<ServiceId> service, std::string reason,
                         std::optional<int> pid, std::optional<Exit> exit) {
  effects_.push_back(Publish{{type, service, pid, exit, std::move(reason)}});
}

/// splitmix64 (Steele, Lea, Flood 2014): enough to spread restarts, and its whole state is one number.
double Supervisor::next_spread() {
  random_ += 0x9e3779b97f4a7c15;
  auto z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) / static_cast<double>(1ULL << 52) - 1.0;
}

}  // namespace kestrel::core
