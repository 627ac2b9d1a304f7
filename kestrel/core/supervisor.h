// The supervisor: all services of a guest, what is desired of them, and everything that follows from an
// event.
//
// It is a value machine. Events, commands and the time go in; effects come out, to be carried out in order by
// whoever owns the processes (app/supervision, or a test). It never reads a clock, does I/O or calls back. A
// turn is: any number of handle() and apply(), then take_effects() until there are none, then arm one timer
// for next_deadline().
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "kestrel/base/time.h"
#include "kestrel/config/model.h"
#include "kestrel/core/commands.h"
#include "kestrel/core/effects.h"
#include "kestrel/core/events.h"
#include "kestrel/core/health.h"
#include "kestrel/core/reload_plan.h"
#include "kestrel/core/restart_policy.h"
#include "kestrel/core/service_graph.h"
#include "kestrel/core/service_state.h"
#include "kestrel/core/view.h"

namespace kestrel::core {

using SharedModel = std::shared_ptr<const config::Model>;

/// When a schedule is due next, strictly after a time; nullopt: never again. A pure function of its
/// arguments, which knows calendars and time zones so that the core need not.
using NextDue = std::function<std::optional<WallTime>(const config::Schedule&, WallTime after)>;

class Supervisor {
 public:
  /// `seed` feeds the jitter of restarts and nothing else. Without `next_due` no schedule is ever due.
  Supervisor(SharedModel model, std::uint64_t seed, NextDue next_due = {});

  /// The first event: runs the pre_start hooks, then starts everything.
  void begin(Now now);
  void handle(const Event& event, Now now);
  [[nodiscard]] Reply apply(const Command& command, Now now);
  /// Works towards another model. What the plan stops is stopped first; then the effect AdoptModel tells that
  /// ids are the new model's. Refused while another reload is under way or the guest is not up.
  [[nodiscard]] Reply reload(SharedModel model, Now now);

  /// What is to be done, in order. Draws the conclusions for the guest as a whole (ready, healthy, finished)
  /// first. To be called until it returns nothing: a new model is taken over only when what there was to do
  /// under the old one has been done, so that all ids of one answer are those of model().
  [[nodiscard]] std::vector<Effect> take_effects(Now now);

  /// When to send DeadlinePassed; nullopt = only an event can change anything.
  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const;

  [[nodiscard]] std::size_t service_count() const { return model_->services.size(); }
  [[nodiscard]] std::optional<ServiceId> find(std::string_view name) const;
  [[nodiscard]] const config::Service& definition(ServiceId id) const {
    return model_->services[model_id(id).value];
  }
  [[nodiscard]] const config::Check& definition(CheckId id) const {
    return checks_[id.value].check.definition();
  }
  /// The program of a service, of its hook, or of the guest's hook.
  [[nodiscard]] const config::Command& command_of(const Subject& subject) const;
  /// Whose check it is; nullopt: the guest's own.
  [[nodiscard]] std::optional<ServiceId> owner(CheckId id) const { return checks_[id.value].owner; }
  [[nodiscard]] const config::Model& model() const { return *model_; }

  [[nodiscard]] ServiceView view(ServiceId id, Now now) const;
  [[nodiscard]] HealthView health() const;
  [[nodiscard]] Phase phase() const;
  [[nodiscard]] bool is_reloading() const { return next_model_ != nullptr; }

 private:
  struct Service {
    State state = Stopped{};
    Desired desired = Desired::stopped;
    /// A reason to end the current run although it is desired to run.
    std::optional<StopCause> stop_wanted;
    RestartHistory history;
    RestartCounts restarts{};
    WallTime since{};
    std::vector<ExitRecord> exits;
    CheckId first_check;
    std::uint32_t check_count = 0;
    std::optional<CheckId> readiness_check;  ///< for `ready: {tcp: PORT}`
    Health health = Health::none;
    std::string status;                ///< what the current run said of itself
    std::optional<Duration> watchdog;  ///< what the current run promised
    bool is_queued = false;
    std::vector<ServiceId> instances;      ///< with a schedule: the runs begun, oldest first
    std::optional<ServiceId> instance_of;  ///< set in an instance: the service with the schedule
  };
  enum class Purpose { health, readiness };
  struct OwnedCheck {
    std::optional<ServiceId> owner;
    HealthCheck check;
    Purpose purpose = Purpose::health;
  };

  // The guest's own states, as variants with their data.
  struct NotBegun {};
  struct Preparing {
    HookRun hook;
  };
  struct Up {
    bool was_ready = false;
    Health published = Health::starting;
    /// post_start, on_unhealthy or post_resume hooks, which run beside everything else.
    std::optional<HookKind> hook_kind;
    HookRun hook;
    bool has_resumed = false;  ///< post_resume hooks are due when these are done
  };
  struct ShuttingDown {
    Outcome outcome;
    MonotonicTime
        deadline;  ///< when everything is killed, and once it was, when nothing is waited for any more
    enum class Step { before_stop, stopping, after_stop };
    Step step = Step::stopping;
    bool has_killed = false;
    std::optional<HookRun> hook;
  };
  struct Down {};
  using Guest = std::variant<NotBegun, Preparing, Up, ShuttingDown, Down>;

  // supervisor.cc: the guest as a whole
  void bring_up();
  void shut_down(Outcome outcome, std::string_view reason, Now now);
  void begin_stopping(Now now);
  void kill_everything(Now now);
  void finish();
  void pass_guest_deadline(Now now);
  void conclude_guest(Now now);
  void conclude_up(Up& up, Now now);
  void conclude_shutdown(Now now);
  void conclude_batch(Now now);
  [[nodiscard]] bool is_on_first_way_up() const;
  [[nodiscard]] bool has_everything_ready() const;
  [[nodiscard]] bool is_anything_active() const;

  // hooks.cc: the guest's and the services' hooks
  [[nodiscard]] const std::vector<config::Command>& hooks_of(ServiceId id, HookKind kind) const;
  [[nodiscard]] const std::vector<config::Command>& guest_hooks(HookKind kind) const;
  [[nodiscard]] HookRun start_hook(const Subject& subject, std::uint32_t index, MonotonicTime now);
  void expire(HookRun& hook);
  void expire_if_late(HookRun& hook, MonotonicTime now);
  [[nodiscard]] static std::optional<std::string> failure_of(const HookRun& hook);
  void handle_hook_exit(const Subject& subject, const ProcessExited& event, Now now);
  void handle_hook_gone(const Subject& subject, RunId run, Now now);
  void conclude(const Subject& subject, HookRun& hook, Now now);
  void conclude_service_hook(const ServiceHook& subject, const HookRun& hook, Now now);
  void conclude_guest_hook(const HookRun& hook, Now now);
  [[nodiscard]] std::optional<HookRun> next_hook(ServiceId id, const HookRun& done, Now now);
  void run_guest_hooks(HookKind kind, Now now);
  [[nodiscard]] HookRun* guest_hook();
  [[nodiscard]] HookRun* find_hook(const Subject& subject, RunId run);
  void abandon_hook(const HookRun& hook);
  [[nodiscard]] bool is_out_of_time() const;

  // service_events.cc: what happened, for the service it happened to
  void on(const ProcessStarted& event, Now now);
  void on(const ProcessFailedToStart& event, Now now);
  void on(const ProcessExited& event, Now now);
  void on(const ProcessesGone& event, Now now);
  void on(const DeadlinePassed& event, Now now);
  void pass_deadline(ServiceId id, Now now);
  [[nodiscard]] std::optional<ServiceId> find_service(RunId run) const;

  // service_machine.cc: one service's moves between its states
  void settle(Now now);
  void settle_one(ServiceId id, Now now);
  void try_to_start(ServiceId id, Now now);
  void launch(ServiceId id, Now now);
  void try_to_stop(ServiceId id, Now now);
  void become_running(ServiceId id, const Process& process, Now now);
  void begin_stop(ServiceId id, StopCause cause, std::string reason, Now now);
  void send_stop(ServiceId id, const Process& process, StopCause cause, std::string reason, Now now);
  void leave_run(ServiceId id);
  void end_run(ServiceId id, const Stopping& run, Now now);
  void conclude_end(ServiceId id, const EndedRun& run, Now now);
  void follow(ServiceId id, const AfterEnd& decision, const EndedRun& run, Now now);
  void record_exit(ServiceId id, ExitRecord record);
  void fail(ServiceId id, std::string reason, const Exit& exit, Now now);
  void enter(ServiceId id, State state, Now now);
  void enqueue(ServiceId id);
  void enqueue_dependents(ServiceId id);
  void want(ServiceId id, Desired desired);
  void want_stop(ServiceId id, StopCause cause);
  void come_to_rest(ServiceId id, Now now);
  [[nodiscard]] bool may_stop(ServiceId id) const;

  // readiness.cc: what a process says of itself
  void on(const ReadinessReported& event, Now now);
  void on(const ReadinessRuledOut& event, Now now);
  void on(const Notified& event, Now now);
  void become_ready(ServiceId id, Now now);
  void become_ready_if_starting(ServiceId id, Now now);
  void begin_readiness_check(ServiceId id, Now now);

  // schedule.cc
  void on(const ClockWasSet& event, Now now);
  void plan_next(ServiceId id, Now now);
  void check_schedule(ServiceId id, Now now);
  void fall_due(ServiceId id, Now now);
  [[nodiscard]] bool replace_instances(ServiceId id, Now now);
  [[nodiscard]] bool run_now(ServiceId id, Now now);
  void begin_instance(ServiceId id, Now now);
  void retire(ServiceId id, Now now);
  [[nodiscard]] bool must_wait_for_another_instance(ServiceId id) const;

  // standstill.cc
  void on(const TimeWasLost& event, Now now);
  void on(const Resumed& event, Now now);

  // views.cc
  template <typename Use>
  void for_each_complaint(Use use) const;
  [[nodiscard]] Health health_status() const;
  [[nodiscard]] ServiceId representative(ServiceId id) const;
  [[nodiscard]] RunView view_of_run(ServiceId id) const;

  // checks.cc: health
  void build_checks();
  void on(const ProbeFinished& event, Now now);
  void begin_checks(ServiceId id, Now now);
  void end_checks(ServiceId id);
  void start_guest_checks(Now now);
  void take_step(CheckId id, const CheckStep& step, Now now);
  void act_on_failure(CheckId id, Now now);
  void update_health(ServiceId id, Now now);
  [[nodiscard]] Health health_of(ServiceId id) const;

  // gate.cc: dependencies
  struct GateOpen {};
  struct GateClosed {
    std::string reason;
  };
  struct GateBroken {
    std::string reason;
  };
  using Gate = std::variant<GateOpen, GateClosed, GateBroken>;
  [[nodiscard]] Gate gate_of(ServiceId id) const;
  [[nodiscard]] Gate judge(const config::Dependency& dependency) const;
  [[nodiscard]] Gate judge(const config::Dependency& dependency, const State& state) const;

  // operator.cc: commands
  [[nodiscard]] Reply run(const StartService& command, Now now);
  [[nodiscard]] Reply run(const StopService& command, Now now);
  [[nodiscard]] Reply run(const RestartService& command, Now now);
  [[nodiscard]] Reply run(const SignalService& command, Now now);
  [[nodiscard]] Reply run(const ShutDown& command, Now now);

  // reload.cc
  /// New ids of services by old ones; nullopt: the new model does not have it.
  using NewIds = std::vector<std::optional<ServiceId>>;
  [[nodiscard]] bool is_ready_to_adopt() const;
  void adopt_model(Now now);
  [[nodiscard]] NewIds find_new_ids() const;
  void move_services(const NewIds& new_ids, const config::Model& old_model, Now now);
  void move_instances(const NewIds& new_ids, std::deque<Service>& moved);
  void adopt_schedule(ServiceId id, const config::Service& before);
  void carry_over_checks(const NewIds& new_ids, Now now);
  void rename_runs(const NewIds& new_ids);

  void publish(NoticeType type, std::optional<ServiceId> service = {}, std::string reason = {},
               std::optional<int> pid = {}, std::optional<Exit> exit = {});
  [[nodiscard]] double next_spread();
  /// Instances speak under the name, and by the id, of their service.
  [[nodiscard]] ServiceId model_id(ServiceId id) const {
    return id.value < service_count() ? id : *services_[id.value].instance_of;
  }
  /// Whether `holds` is true of the state of the service or of one of its instances.
  template <typename Predicate>
  [[nodiscard]] bool is_any(ServiceId id, Predicate holds) const {
    const auto& instances = at(id).instances;
    return holds(at(id).state) || std::any_of(instances.begin(), instances.end(),
                                              [&](ServiceId one) { return holds(at(one).state); });
  }
  /// Calls `use(id, how)` for whatever depends on `id`, instances included.
  template <typename Use>
  void for_each_dependent(ServiceId id, Use use) const {
    for (const auto& dependent : graph_.dependents(model_id(id))) {
      use(dependent.service, dependent);
      for (const auto one : at(dependent.service).instances) use(one, dependent);
    }
  }
  [[nodiscard]] Service& at(ServiceId id) { return services_[id.value]; }
  [[nodiscard]] const Service& at(ServiceId id) const { return services_[id.value]; }
  [[nodiscard]] const std::string& name(ServiceId id) const { return definition(id).name; }

  SharedModel model_;
  NextDue next_due_;
  ServiceGraph graph_;
  /// Those of the model, then instances; an entry that is none any more is used again. A deque, since
  /// references stay good while instances are added.
  std::deque<Service> services_;
  std::vector<OwnedCheck> checks_;
  std::uint32_t guest_check_count_ = 0;
  std::deque<config::Check> readiness_definitions_;  ///< what the readiness checks point to
  Guest guest_;
  SharedModel next_model_;  ///< a reload that waits for what it stops
  ReloadPlan plan_;
  std::vector<std::string>
      resumed_;  ///< services the reload stopped that are to run again under the new model
  std::unordered_map<RunId, Subject> runs_;  ///< the runs that have not ended
  std::vector<ServiceId> queue_;             ///< services to settle; each at most once
  std::vector<Effect> effects_;
  std::optional<Exit> first_job_failure_;
  std::uint64_t last_run_ = 0;
  std::uint64_t last_probe_ = 0;
  std::uint64_t random_;
  bool is_guest_concluded_ = true;  ///< nothing changed since the guest's state was last concluded
};

}  // namespace kestrel::core
