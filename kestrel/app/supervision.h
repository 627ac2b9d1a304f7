// The supervisor at work: carries out its effects, brings it the events, and shows it to the API.
//
// A turn: everything that has happened goes into the supervisor, then its effects are carried out in order;
// what they cause at once (a program that cannot be executed) is the next round of the same turn. Nothing
// calls back into a turn.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "kestrel/app/capture.h"
#include "kestrel/app/environment.h"
#include "kestrel/app/exec_runner.h"
#include "kestrel/app/process_plan.h"
#include "kestrel/app/process_table.h"
#include "kestrel/app/readiness_watch.h"
#include "kestrel/app/standstill.h"
#include "kestrel/config/model.h"
#include "kestrel/control/exec_book.h"
#include "kestrel/control/guest.h"
#include "kestrel/core/supervisor.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/probes/probe.h"

namespace kestrel::app {

/// What happened and what was printed; lives as long as the program.
struct Records {
  control::EventJournal events;
  control::LogRing logs{mebibytes(16)};
};

struct SupervisionOptions {
  const sys::CgroupRoot* cgroups =
      nullptr;  ///< must outlive the supervision; nullptr: containment by session
  GuestEnvironment environment;
  /// Called before news of a process are logged, so that what it printed stands before them; optional.
  std::function<void()> show_lines;
  std::function<control::InfoView()> info;
  std::function<std::optional<control::LinkView>()> link;  ///< optional: without it there is none
  std::function<void(config::Model&)> amend;  ///< adds to what is reloaded what is in no file; optional
  std::function<void(const core::Outcome&)> on_finish;  ///< called once, from the loop: everything has ended
};

class Supervision final : public control::Guest {
 public:
  /// `records` must outlive it. `config` is what `model` was read from.
  Supervision(loop::Loop& loop, core::SharedModel model, control::ConfigText config, Records& records,
              SupervisionOptions options);
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;
  ~Supervision() override;

  void begin();
  void shut_down(core::PowerAction action, std::string reason);
  /// The host says that the guest was paused; `clock_error`: its wall clock minus the host's since then.
  void resume(Duration paused, Duration clock_error);

  // control::Guest
  [[nodiscard]] std::size_t service_count() const override { return supervisor_.service_count(); }
  [[nodiscard]] std::optional<core::ServiceId> find(std::string_view name) const override {
    return supervisor_.find(name);
  }
  [[nodiscard]] std::string name(core::ServiceId id) const override {
    return supervisor_.definition(id).name;
  }
  [[nodiscard]] core::ServiceView view(core::ServiceId id) const override;
  [[nodiscard]] std::optional<control::Usage> usage(core::ServiceId id) const override;
  [[nodiscard]] std::optional<Duration> uptime(core::ServiceId id) const override;
  [[nodiscard]] core::HealthView health() const override { return supervisor_.health(); }
  [[nodiscard]] core::Phase phase() const override { return supervisor_.phase(); }
  [[nodiscard]] control::InfoView info() const override;
  [[nodiscard]] std::vector<control::ServiceTimes> service_times() const override;
  [[nodiscard]] std::optional<control::LinkView> link() const override {
    return options_.link ? options_.link() : std::nullopt;
  }
  core::Reply apply(const core::Command& command) override;
  [[nodiscard]] control::ConfigText config_text() const override { return config_; }
  control::ReloadReport reload(std::string text, control::ReloadMode mode) override;
  [[nodiscard]] control::EventJournal& events() override { return records_->events; }
  [[nodiscard]] control::LogRing& logs() override { return records_->logs; }
  [[nodiscard]] control::ExecBook* execs() override { return &execs_; }

 private:
  /// The process of a run and what it prints.
  struct Live {
    ProcessId process;
    std::unique_ptr<ReadinessWatch> readiness;  ///< of a service; sees what the captures below take
    Capture standard_output;
    Capture standard_error;
  };
  class LaunchedProbe;

  void post(core::Event event);
  void pass_deadline();
  void turn();
  void perform(const core::SpawnProcess& effect);
  void perform(const core::SignalProcess& effect);
  void perform(const core::KillProcesses& effect);
  void perform(const core::StartProbe& effect);
  void perform(const core::CancelProbe& effect);
  void perform(const core::Publish& effect);
  void perform(const core::AdoptModel& effect);
  void perform(const core::Finish& effect);
  void add_sources();
  void adopt_logs();
  void watch_clock();
  [[nodiscard]] LogFile* file_of(const config::Log& log);
  void turn_soon();
  [[nodiscard]] ProcessPlan plan_of(const core::Subject& subject) const;
  [[nodiscard]] Result<void> launch_run(core::RunId run, const core::Subject& subject, sys::ProcessSpec spec);
  [[nodiscard]] Result<std::unique_ptr<ReadinessWatch>> watch_readiness(core::RunId run, ProcessId process,
                                                                        const core::Subject& subject);
  void hear(core::RunId run, core::Event event);
  [[nodiscard]] ProcessCallbacks callbacks_of(core::RunId run, const std::string& program);
  [[nodiscard]] std::vector<Live*> live_runs(const std::string& service) const;
  void note_run(const std::string& service, core::RunId run);
  void meter(const core::Notice& notice, const std::string& service);
  void note_milestone(core::NoticeType type);
  [[nodiscard]] std::string containment_name(const core::Subject& subject, core::RunId run) const;
  [[nodiscard]] CaptureTarget target_of(const core::Subject& subject);
  class ProbeLauncher;
  /// A probe of a service, or of the guest.
  Result<std::unique_ptr<probes::LaunchedProcess>> launch_probe(std::optional<core::ServiceId> owner,
                                                                const config::Command& command,
                                                                std::function<void(sys::ExitStatus)> on_exit);

  loop::Loop* loop_;
  Records* records_;
  SupervisionOptions options_;
  control::ConfigText config_;
  control::ConfigText next_config_;  ///< while a reload is under way
  core::Supervisor supervisor_;
  ProcessTable processes_;
  loop::Timer deadline_;
  Standstill standstill_;
  std::vector<control::LogSource> sources_;  ///< of each service
  control::LogSource hook_source_;
  std::map<std::string, LogFile> files_;  ///< by path: services may share one
  sys::UniqueFd clock_watch_;             ///< where there are schedules
  loop::FdWatcher clock_watcher_;
  std::vector<core::Event> pending_;
  bool is_turning_ = false;
  std::uint64_t last_process_ = 0;
  std::unordered_map<core::RunId, std::unique_ptr<Live>> live_;
  struct Runs {
    /// One, or several of a schedule that allows them; ended ones, too.
    std::vector<core::RunId> current;
    MonotonicTime started{};      ///< the process of the newest one
    control::ServiceTimes first;  ///< without name and kind
  };
  /// By the service's name, which a reload keeps.
  std::unordered_map<std::string, Runs> runs_;
  std::vector<wire::BootStep> milestones_;  ///< of the guest as a whole
  std::unordered_map<core::ProbeId, std::unique_ptr<probes::Probing>> probing_;
  ExecRunner exec_runner_;
  control::ExecBook execs_;
};

}  // namespace kestrel::app
