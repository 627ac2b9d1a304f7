#include "kestrel/app/supervision.h"

#include "kestrel/app/schedule_book.h"
#include "kestrel/base/log.h"
#include "kestrel/base/overloaded.h"
#include "kestrel/control/json.h"
#include "kestrel/sys/clock.h"

namespace kestrel::app {

namespace {

/// Any number will do: it only spreads restarts of several guests that start at one moment.
std::uint64_t jitter_seed() { return static_cast<std::uint64_t>(sys::wall_now().time_since_epoch().count()); }

core::Exit as_exit(const ProcessEnd& end) {
  return {end.status.code, end.status.signal, end.is_oom_kill, end.is_untold};
}

constexpr Bytes hook_ring = kibibytes(256);

}  // namespace

Supervision::Supervision(loop::Loop& loop, core::SharedModel model, control::ConfigText config,
                         Records& records, SupervisionOptions options)
    : loop_(&loop),
      records_(&records),
      options_(std::move(options)),
      config_(std::move(config)),
      supervisor_(std::move(model), jitter_seed(), make_schedule_book()),
      processes_(loop, options_.cgroups),
      deadline_(loop, [this] { pass_deadline(); }),
      exec_runner_({.processes = &processes_,
                    .environment = &options_.environment,
                    .model = [this]() -> const config::Model& { return supervisor_.model(); },
                    .new_id = [this] { return ProcessId{++last_process_}; }}),
      execs_(loop, exec_runner_) {
  add_sources();
  watch_clock();
  hook_source_ = records.logs.add_source("hooks", hook_ring);
}

Supervision::~Supervision() = default;

void Supervision::begin() {
  supervisor_.begin(sys::now());
  turn();
}

void Supervision::shut_down(core::PowerAction action, std::string reason) {
  (void)supervisor_.apply(core::ShutDown{action, std::move(reason)}, sys::now());
  if (!is_turning_) turn();
}

core::ServiceView Supervision::view(core::ServiceId id) const { return supervisor_.view(id, sys::now()); }

std::vector<Supervision::Live*> Supervision::live_runs(const std::string& service) const {
  std::vector<Live*> out;
  const auto runs = runs_.find(service);
  if (runs == runs_.end()) return out;
  for (const auto run : runs->second.current) {
    if (const auto live = live_.find(run); live != live_.end()) out.push_back(live->second.get());
  }
  return out;
}

void Supervision::note_run(const std::string& service, core::RunId run) {
  auto& runs = runs_[service];
  std::erase_if(runs.current, [this](core::RunId one) { return !live_.contains(one); });
  runs.current.push_back(run);
  runs.started = {};
}

core::Reply Supervision::apply(const core::Command& command) {
  auto reply = supervisor_.apply(command, sys::now());
  turn_soon();
  return reply;
}

void Supervision::turn_soon() {
  loop_->post([this] {
    if (!is_turning_) turn();
  });
}

// --- turns -------------------------------------------------------------------------------------------------

void Supervision::post(core::Event event) {
  pending_.push_back(std::move(event));
  if (!is_turning_) turn();
}

void Supervision::pass_deadline() {
  if (const auto due = supervisor_.next_deadline()) {
    if (const auto lost = standstill_.note_served(*due, sys::monotonic_now()); lost > Duration::zero())
      post(core::TimeWasLost{lost});
  }
  post(core::DeadlinePassed{});
}

void Supervision::resume(Duration paused, Duration clock_error) {
  post(core::TimeWasLost{standstill_.note_resumed(paused, clock_error, sys::monotonic_now())});
  post(core::Resumed{});
}

void Supervision::turn() {
  is_turning_ = true;
  while (true) {
    const auto now = sys::now();
    for (const auto& event : std::exchange(pending_, {})) supervisor_.handle(event, now);
    const auto effects = supervisor_.take_effects(now);
    if (effects.empty()) break;
    for (const auto& effect : effects) {
      std::visit([this](const auto& one) { perform(one); }, effect);
    }
  }
  is_turning_ = false;
  if (const auto at = supervisor_.next_deadline()) {
    deadline_.arm(*at);
  } else {
    deadline_.disarm();
  }
}

// --- processes ---------------------------------------------------------------------------------------------

ProcessPlan Supervision::plan_of(const core::Subject& subject) const {
  const auto& model = supervisor_.model();
  const auto& command = supervisor_.command_of(subject);
  return std::visit(
      overloaded{
          [&](core::ServiceId id) {
            return plan_service(model, supervisor_.definition(id), command, options_.environment);
          },
          [&](const core::ServiceHook& hook) {
            return plan_service(model, supervisor_.definition(hook.service), command, options_.environment);
          },
          [&](const core::GuestHook&) { return plan_command(model, command, options_.environment); },
      },
      subject);
}

void Supervision::perform(const core::SpawnProcess& effect) {
  const auto plan = plan_of(effect.subject);
  if (const auto* failure = std::get_if<PlanFailure>(&plan)) {
    return post(core::ProcessFailedToStart{effect.run, failure->stage, failure->cause, failure->error});
  }
  const auto started = launch_run(effect.run, effect.subject, std::get<sys::ProcessSpec>(plan));
  if (started) return;
  live_.erase(effect.run);
  post(core::ProcessFailedToStart{effect.run, "fork", started.error().message, started.error().code});
}

Result<void> Supervision::launch_run(core::RunId run, const core::Subject& subject, sys::ProcessSpec spec) {
  auto out = open_capture_pipe();
  if (!out) return out.error();
  auto err = open_capture_pipe();
  if (!err) return err.error();
  spec.stdio = {-1, out->writer.get(), err->writer.get()};
  const ProcessId process{++last_process_};
  auto readiness = watch_readiness(run, process, subject);
  if (!readiness) return readiness.error();
  auto* const watch = readiness->get();
  auto target = target_of(subject);
  if (watch) {
    watch->equip(spec);
    target.on_line = [watch](std::string_view line) { watch->handle_line(line); };
  }
  live_.emplace(run, new Live{process,
                              std::move(*readiness),
                              {*loop_, std::move(out->reader), control::LogStream::standard_output, target},
                              {*loop_, std::move(err->reader), control::LogStream::standard_error, target}});
  if (const auto* service = std::get_if<core::ServiceId>(&subject)) note_run(name(*service), run);
  auto callbacks = callbacks_of(run, spec.program);
  auto started =
      processes_.start(process, containment_name(subject, run), std::move(spec), std::move(callbacks));
  const auto live = live_.find(run);
  if (live != live_.end() && live->second->readiness) live->second->readiness->handle_spawned();
  return started;
}

Result<std::unique_ptr<ReadinessWatch>> Supervision::watch_readiness(core::RunId run, ProcessId process,
                                                                     const core::Subject& subject) {
  const auto* service = std::get_if<core::ServiceId>(&subject);
  if (!service) return std::unique_ptr<ReadinessWatch>();
  return ReadinessWatch::create(
      *loop_, supervisor_.definition(*service).ready,
      {.run = run,
       .service = name(*service),
       .contains = [this, process](pid_t pid) { return processes_.contains(process, pid); },
       .tell = [this, run](core::Event event) { hear(run, std::move(event)); }});
}

/// What a run says of itself.
void Supervision::hear(core::RunId run, core::Event event) {
  if (const auto live = live_.find(run); live != live_.end()) processes_.notice_exec(live->second->process);
  const auto live = live_.find(run);
  if (live == live_.end()) return;
  if (auto* notified = std::get_if<core::Notified>(&event); notified && notified->main_pid) {
    const auto adopted = processes_.adopt_main(live->second->process, *notified->main_pid);
    if (!adopted) {
      log_warning(adopted.error().message);
      notified->main_pid.reset();
    }
  }
  post(std::move(event));
}

ProcessCallbacks Supervision::callbacks_of(core::RunId run, const std::string& program) {
  return {.on_exec =
              [this, run](pid_t pid) {
                post(core::ProcessStarted{run, pid});
              },
          .on_exec_failed =
              [this, run, program](sys::SpawnFailure failure) {
                live_.erase(run);
                const auto cause = errno_error(concat("cannot execute ", program), failure.error).message;
                post(core::ProcessFailedToStart{run, std::string(stage_name(failure.stage)), cause,
                                                failure.error});
              },
          .before_end =
              [this, run] {
                const auto live = live_.find(run);
                if (live != live_.end() && live->second->readiness) live->second->readiness->hear_rest();
              },
          .on_end =
              [this, run](const ProcessEnd& end) {
                // Its last words come before the news of its end.
                if (!end.leaves_others) live_.erase(run);
                post(core::ProcessExited{run, as_exit(end), end.leaves_others});
              },
          .on_gone =
              [this, run] {
                live_.erase(run);
                post(core::ProcessesGone{run});
              }};
}

std::string Supervision::containment_name(const core::Subject& subject, core::RunId run) const {
  return std::visit(
      overloaded{
          [&](core::ServiceId id) {
            // Runs of a schedule may overlap.
            return supervisor_.definition(id).schedule ? concat(name(id), "@", run.value) : name(id);
          },
          [&](const core::ServiceHook& hook) { return concat(name(hook.service), "@hook-", run.value); },
          [&](const core::GuestHook&) { return concat("@hook-", run.value); },
      },
      subject);
}

CaptureTarget Supervision::target_of(const core::Subject& subject) {
  const auto service =
      std::visit(overloaded{
                     [](core::ServiceId id) { return std::optional(id); },
                     [](const core::ServiceHook& hook) { return std::optional(hook.service); },
                     [](const core::GuestHook&) { return std::optional<core::ServiceId>(); },
                 },
                 subject);
  if (!service) return {&records_->logs, hook_source_, nullptr};
  const auto& log = supervisor_.definition(*service).log;
  LogFile* file = file_of(log);
  return {&records_->logs, sources_[service->value], file};
}

void Supervision::perform(const core::SignalProcess& effect) {
  const auto live = live_.find(effect.run);
  if (live == live_.end()) return;
  if (effect.receiver == core::Receiver::main_process) {
    processes_.signal_main(live->second->process, effect.signal);
  } else {
    processes_.signal_all(live->second->process, effect.signal);
  }
}

void Supervision::perform(const core::KillProcesses& effect) {
  const auto live = live_.find(effect.run);
  if (live != live_.end()) processes_.kill_all(live->second->process);
}

// --- news --------------------------------------------------------------------------------------------------

void Supervision::perform(const core::Publish& effect) {
  const auto& notice = effect.notice;
  const auto service = notice.service ? supervisor_.definition(*notice.service).name : std::string();
  notice.service ? meter(notice, service) : note_milestone(notice.type);
  if (options_.show_lines) options_.show_lines();
  if (notice.type == core::NoticeType::vm_ready) {
    records_->events.append(sys::now(), std::string(type_name(notice.type)), {},
                            control::boot_json(info().boot));
  } else {
    records_->events.append(sys::now(), notice, service);
  }
  log_info(type_name(notice.type), service.empty() ? "" : " ", service, notice.reason.empty() ? "" : ": ",
           notice.reason);
}

void Supervision::perform(const core::Finish& effect) {
  loop_->post([this, outcome = effect.outcome] {
    // What is open could keep a file system from being unmounted.
    execs_.end_all();
    live_.clear();
    files_.clear();
    options_.on_finish(outcome);
  });
}

}  // namespace kestrel::app
