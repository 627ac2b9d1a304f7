// The supervisor: all services of a guest, what is desired of them, and everything that follows from an
// event.
//
// It is a value machine. Events, commands and the time go in; effects come out, to be carried out in order by
// whoever owns the processes (app/effect_runner, or a test). It never reads a clock, does I/O or calls back.
// A turn is: any number of handle() and apply(), then take_effects(), then arm one timer for next_deadline().
#pragma once

#include <cstdint>
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
#include "kestrel/core/restart_policy.h"
#include "kestrel/core/service_graph.h"
#include "kestrel/core/service_state.h"
#include "kestrel/core/view.h"

namespace kestrel::core {

class Supervisor {
 public:
  /// `model` must outlive the supervisor. `seed` feeds the jitter of restarts and nothing else.
  Supervisor(const config::Model& model, std::uint64_t seed);

  /// The first event: runs the pre_start hooks, then starts everything.
  void begin(Now now);
  void handle(const Event& event, Now now);
  [[nodiscard]] Reply apply(const Command& command, Now now);

  /// What is to be done, in order. Draws the conclusions for the guest as a whole (ready, healthy, finished)
  /// first.
  [[nodiscard]] std::vector<Effect> take_effects(Now now);

  /// When to send DeadlinePassed; nullopt = only an event can change anything.
  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const;

  [[nodiscard]] std::size_t service_count() const { return services_.size(); }
  [[nodiscard]] std::optional<ServiceId> find(std::string_view name) const;
  [[nodiscard]] const config::Service& definition(ServiceId id) const { return model_->services[id.value]; }
  [[nodiscard]] const config::Check& definition(CheckId id) const {
    return checks_[id.value].check.definition();
  }
  /// Whose check it is; nullopt: the guest's own.
  [[nodiscard]] std::optional<ServiceId> owner(CheckId id) const { return checks_[id.value].owner; }
  [[nodiscard]] const config::Model& model() const { return *model_; }

  [[nodiscard]] ServiceView view(ServiceId id, Now now) const;
  [[nodiscard]] HealthView health() const;
  [[nodiscard]] Phase phase() const;

 private:
  struct Service {
    State state = Stopped{};
    Desired desired = Desired::stopped;
    std::optional<StopCause> stop_wanted;  ///< a reason to end the current run although it is desired to run
    RestartHistory history;
    std::uint32_t restarts = 0;
    WallTime since{};
    std::vector<ExitRecord> exits;
    CheckId first_check;
    std::uint32_t check_count = 0;
    Health health = Health::none;
    bool is_queued = false;
  };
  struct OwnedCheck {
    std::optional<ServiceId> owner;
    HealthCheck check;
  };

  // The guest's own states, as variants with their data.
  struct NotBegun {};
  struct Preparing {
    HookId hook;
    RunId run;
    MonotonicTime deadline;
  };
  struct Up {
    bool was_ready = false;
    Health published = Health::starting;
  };
  struct ShuttingDown {
    Outcome outcome;
    MonotonicTime
        deadline;  ///< when everything is killed, and once it was, when nothing is waited for any more
    bool has_killed = false;
    std::optional<RunId> hook;  ///< a pre_start hook that is still dying
  };
  struct Down {};
  using Guest = std::variant<NotBegun, Preparing, Up, ShuttingDown, Down>;

  // supervisor.cc: the guest as a whole
  void run_hook(HookId hook, MonotonicTime now);
  void conclude_hook(HookId hook, Now now);
  void fail_hook(HookId hook, std::string_view failure, Exit exit, Now now);
  void bring_up();
  void shut_down(Outcome outcome, std::string_view reason, Now now);
  void kill_everything(Now now);
  void pass_guest_deadline(Now now);
  void handle_hook_exit(const ProcessExited& event, Now now);
  void handle_hook_failure(const ProcessFailedToStart& event, Now now);
  void conclude_guest(Now now);
  void conclude_batch(Now now);
  void start_guest_checks(Now now);
  [[nodiscard]] bool is_on_first_way_up() const;
  [[nodiscard]] bool has_everything_ready() const;

  // service_machine.cc: one service's states
  void on(const ProcessStarted& event, Now now);
  void on(const ProcessFailedToStart& event, Now now);
  void on(const ProcessExited& event, Now now);
  void on(const ProcessesGone& event, Now now);
  void on(const ProbeFinished& event, Now now);
  void on(const DeadlinePassed& event, Now now);
  void settle(Now now);
  void settle_one(ServiceId id, Now now);
  void try_to_start(ServiceId id, Now now);
  void try_to_stop(ServiceId id, Now now);
  void become_running(ServiceId id, RunId run, int pid, MonotonicTime began, Now now);
  void begin_stop(ServiceId id, StopCause cause, Now now);
  void leave_run(ServiceId id);
  void end_run(ServiceId id, const Stopping& run, Now now);
  void conclude_end(ServiceId id, const EndedRun& run, Now now);
  void record_exit(ServiceId id, ExitRecord record);
  void fail(ServiceId id, std::string reason, const Exit& exit, Now now);
  void pass_deadline(ServiceId id, Now now);
  void enter(ServiceId id, State state, Now now);
  void enqueue(ServiceId id);
  [[nodiscard]] bool may_stop(ServiceId id) const;
  [[nodiscard]] std::optional<ServiceId> find_run(RunId run) const;

  // checks.cc: health
  void begin_checks(ServiceId id, Now now);
  void end_checks(ServiceId id);
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

  // operator.cc: commands
  [[nodiscard]] Reply run(const StartService& command, Now now);
  [[nodiscard]] Reply run(const StopService& command, Now now);
  [[nodiscard]] Reply run(const RestartService& command, Now now);
  [[nodiscard]] Reply run(const SignalService& command, Now now);
  [[nodiscard]] Reply run(const ShutDown& command, Now now);

  void publish(NoticeType type, std::optional<ServiceId> service = {}, std::string reason = {},
               std::optional<int> pid = {}, std::optional<Exit> exit = {});
  [[nodiscard]] double next_spread();
  [[nodiscard]] Service& at(ServiceId id) { return services_[id.value]; }
  [[nodiscard]] const Service& at(ServiceId id) const { return services_[id.value]; }
  [[nodiscard]] const std::string& name(ServiceId id) const { return definition(id).name; }

  const config::Model* model_;
  ServiceGraph graph_;
  std::vector<Service> services_;
  std::vector<OwnedCheck> checks_;
  std::uint32_t guest_check_count_ = 0;
  Guest guest_;
  std::unordered_map<RunId, ServiceId> runs_;  ///< the runs that have not ended; hooks' are in guest_
  std::vector<ServiceId> queue_;               ///< services to settle; each at most once
  std::vector<Effect> effects_;
  std::optional<Exit> first_job_failure_;
  std::uint64_t last_run_ = 0;
  std::uint64_t last_probe_ = 0;
  std::uint64_t random_;
  bool is_guest_concluded_ = true;  ///< nothing changed since the guest's state was last concluded
};

}  // namespace kestrel::core
