// The guest as a whole: its way up through the hooks, its health, its batch, and its way down.
#include "kestrel/core/supervisor.h"

#include <algorithm>
#include <utility>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"

namespace kestrel::core {

namespace {

/// How long a shutdown waits for processes that do not even die of SIGKILL (stuck in the kernel).
constexpr Duration patience_after_kill = seconds(5);

std::optional<MonotonicTime> due_of(const HookRun& hook) {
  return hook.has_timed_out ? std::nullopt : std::optional(hook.deadline);
}

}  // namespace

Supervisor::Supervisor(SharedModel model, std::uint64_t seed, NextDue next_due)
    : model_(std::move(model)),
      next_due_(std::move(next_due)),
      graph_(*model_),
      services_(model_->services.size()),
      guest_(NotBegun{}),
      random_(seed) {
  build_checks();
}

void Supervisor::begin(Now now) {
  publish(NoticeType::vm_booted);
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    services_[i].desired = Desired::running;
    services_[i].since = now.wall;
    enqueue(ServiceId{i});
  }
  if (guest_hooks(HookKind::pre_start).empty()) {
    bring_up();
  } else {
    guest_ = Preparing{start_hook(GuestHook{HookKind::pre_start, 0}, 0, now.monotonic)};
  }
  settle(now);
}

void Supervisor::handle(const Event& event, Now now) {
  std::visit([&](const auto& one) { on(one, now); }, event);
  settle(now);
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
  const bool was_up = std::holds_alternative<Up>(guest_);
  ShuttingDown next{
      .outcome = std::move(outcome), .deadline = now.monotonic + model_->shutdown_timeout, .hook = {}};
  if (auto* hook = guest_hook()) {
    expire(*hook);
    if (!was_up) next.hook = *hook;
  }
  publish(NoticeType::vm_stopping, {}, std::string(reason));
  guest_ = std::move(next);
  is_guest_concluded_ = false;
  next_model_.reset();
  for (std::uint32_t i = 0; i < guest_check_count_; ++i) {
    if (const auto probe = checks_[i].check.end()) effects_.push_back(CancelProbe{*probe});
  }
  if (!was_up || guest_hooks(HookKind::pre_stop).empty()) return begin_stopping(now);
  auto& shutting_down = std::get<ShuttingDown>(guest_);
  shutting_down.step = ShuttingDown::Step::before_stop;
  shutting_down.hook = start_hook(GuestHook{HookKind::pre_stop, 0}, 0, now.monotonic);
}

void Supervisor::begin_stopping(Now) {
  auto& shutting_down = std::get<ShuttingDown>(guest_);
  shutting_down.step = ShuttingDown::Step::stopping;
  is_guest_concluded_ = false;
  for (std::uint32_t i = 0; i < service_count(); ++i) want(ServiceId{i}, Desired::stopped);
}

void Supervisor::kill_everything(Now now) {
  for (std::uint32_t i = 0; i < services_.size(); ++i) {
    const ServiceId id{i};
    services_[i].desired = Desired::stopped;
    enqueue(id);
    State& state = services_[i].state;
    if (auto* hook = hook_of(state)) expire(*hook);
    const auto* process = process_of(state);
    if (!process) continue;
    effects_.push_back(KillProcesses{process->run});
    if (auto* stopping = std::get_if<Stopping>(&state)) {
      stopping->deadline.reset();
      continue;
    }
    const Stopping killed{
        .process = *process, .cause = StopCause::desired, .reason = {}, .exit = {}, .deadline = {}};
    leave_run(id);
    enter(id, killed, now);
    publish(NoticeType::service_stopping, id);
  }
}

void Supervisor::finish() {
  effects_.push_back(Finish{std::get<ShuttingDown>(guest_).outcome});
  guest_ = Down{};
}

void Supervisor::pass_guest_deadline(Now now) {
  if (auto* hook = guest_hook()) expire_if_late(*hook, now.monotonic);
  auto* shutting_down = std::get_if<ShuttingDown>(&guest_);
  if (!shutting_down || shutting_down->deadline > now.monotonic) return;
  is_guest_concluded_ = false;
  if (shutting_down->has_killed) return finish();
  shutting_down->has_killed = true;
  shutting_down->step = ShuttingDown::Step::stopping;
  shutting_down->deadline = now.monotonic + patience_after_kill;
  if (shutting_down->hook) expire(*shutting_down->hook);
  kill_everything(now);
}

// --- conclusions -----------------------------------------------------------------------------------------

std::vector<Effect> Supervisor::take_effects(Now now) {
  conclude_guest(now);
  // What speaks of the old model's ids is carried out before there is a new one.
  if (effects_.empty() && is_ready_to_adopt()) {
    adopt_model(now);
    conclude_guest(now);
  }
  return std::exchange(effects_, {});
}

void Supervisor::conclude_guest(Now now) {
  settle(now);
  while (!is_guest_concluded_) {
    is_guest_concluded_ = true;
    if (std::holds_alternative<ShuttingDown>(guest_)) {
      conclude_shutdown(now);
    } else if (auto* up = std::get_if<Up>(&guest_)) {
      conclude_up(*up, now);
    }
    settle(now);
  }
}

void Supervisor::conclude_shutdown(Now now) {
  auto& shutting_down = std::get<ShuttingDown>(guest_);
  const bool is_over =
      shutting_down.step == ShuttingDown::Step::stopping && !shutting_down.hook && !is_anything_active();
  if (!is_over) return;
  if (shutting_down.has_killed || guest_hooks(HookKind::post_stop).empty()) return finish();
  shutting_down.step = ShuttingDown::Step::after_stop;
  shutting_down.hook = start_hook(GuestHook{HookKind::post_stop, 0}, 0, now.monotonic);
}

void Supervisor::conclude_up(Up& up, Now now) {
  if (!is_on_first_way_up()) start_guest_checks(now);
  if (!up.was_ready && has_everything_ready()) {
    up.was_ready = true;
    publish(NoticeType::vm_ready);
    run_guest_hooks(HookKind::post_start, now);
  }
  const auto status = health_status();
  if (status == Health::healthy && up.published != Health::healthy) {
    publish(NoticeType::vm_healthy);
    up.published = Health::healthy;
  } else if (status != Health::healthy &&
             (up.published == Health::healthy ||
              (status == Health::unhealthy && up.published == Health::starting))) {
    publish(NoticeType::vm_unhealthy, {}, health().reasons.front());
    up.published = Health::unhealthy;
    run_guest_hooks(HookKind::on_unhealthy, now);
  }
  conclude_batch(now);
}

bool Supervisor::is_anything_active() const {
  return std::any_of(services_.begin(), services_.end(),
                     [](const Service& one) { return is_active(one.state); });
}

/// When everything is a job and every job is over, so is the guest.
void Supervisor::conclude_batch(Now now) {
  if (is_reloading()) return;  // what is over now may be what the new model runs again
  for (std::uint32_t i = 0; i < service_count(); ++i) {
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
    if (one.instance_of) return false;
    const bool is_under_way = std::holds_alternative<Waiting>(one.state) ||
                              (is_up(one.state) && !std::holds_alternative<Running>(one.state));
    return one.exits.empty() && one.desired == Desired::running && is_under_way;
  });
}

bool Supervisor::has_everything_ready() const {
  return std::all_of(services_.begin(), services_.end(), [](const Service& one) {
    return one.instance_of || one.desired == Desired::stopped || std::holds_alternative<Running>(one.state) ||
           std::holds_alternative<Completed>(one.state) || std::holds_alternative<Scheduled>(one.state);
  });
}

std::optional<MonotonicTime> Supervisor::next_deadline() const {
  std::optional<MonotonicTime> earliest;
  const auto consider = [&](std::optional<MonotonicTime> at) {
    if (at && (!earliest || *at < *earliest)) earliest = at;
  };
  if (const auto* preparing = std::get_if<Preparing>(&guest_)) consider(due_of(preparing->hook));
  if (const auto* up = std::get_if<Up>(&guest_); up && up->hook_kind) consider(due_of(up->hook));
  if (const auto* shutting_down = std::get_if<ShuttingDown>(&guest_)) {
    consider(shutting_down->deadline);
    if (shutting_down->hook) consider(due_of(*shutting_down->hook));
  }
  for (const auto& service : services_) consider(deadline_of(service.state));
  for (const auto& owned : checks_) consider(owned.check.deadline());
  return earliest;
}

void Supervisor::publish(NoticeType type, std::optional<ServiceId> service, std::string reason,
                         std::optional<int> pid, std::optional<Exit> exit) {
  if (service) service = model_id(*service);
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
