#include "hostd/daemon/managed_vm.h"

#include <sys/mman.h>

#include <cerrno>

#include "hostd/daemon/process_handle.h"
#include "hostd/fleet/fleet_event.h"
#include "hostd/runner/launch_runner.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"

namespace kestrel::hostd {

namespace {

/// A runner tells more apart than its users want to know.
std::string_view state_of_attached(std::string_view state) {
  if (state == "created" || state == "booting") return "starting";
  return state == "ended" ? "stopping" : state;
}

}  // namespace

ManagedVm::ManagedVm(loop::Loop& loop, Registry& registry, VmRecord record, const VmWatcher& watcher)
    : loop_(loop),
      registry_(registry),
      record_(std::move(record)),
      watcher_(watcher),
      tracker_(record_.spec.shutdown_timeout),
      deadline_(loop, [this] { handle(tracking::DeadlinePassed{}); }),
      calls_(loop) {}

std::string ManagedVm::file(std::string_view name) const {
  return concat(record_.spec.runtime_dir, '/', name);
}

FolderLock ManagedVm::lock() const {
  return is_held(record_.spec.runtime_dir) ? FolderLock::held : FolderLock::free;
}

std::string_view ManagedVm::state_name() const {
  const auto& state = tracker_.state();
  if (std::holds_alternative<tracking::Attached>(state)) return state_of_attached(status_->state);
  if (const auto* looking = std::get_if<tracking::Looking>(&state))
    return looking->has_child ? "starting" : "unknown";
  if (std::holds_alternative<tracking::Unreachable>(state)) return "unknown";
  if (std::holds_alternative<tracking::Closing>(state)) return "stopping";
  if (!record_.run.outcome) return "created";
  return has_crashed(record_, *record_.run.outcome) ? "crashed" : "stopped";
}

// --- what is wanted ---------------------------------------------------------------------------------------

void ManagedVm::resume() {
  if (!record_.run.started || record_.run.outcome) return;
  handle(tracking::Resumed{});
  if (!record_.is_wanted) handle(tracking::StopWanted{StopForce::orderly});
}

Result<void> ManagedVm::start() {
  if (!is_resting()) return Error{concat("cannot start ", record_.name, ": it is ", state_name()), EBUSY};
  {
    // What an earlier run left must not be taken for this one's: with the folder empty, and the registry
    // saying that a run begins, this start is found out wherever it is interrupted.
    const auto dir = RuntimeDir::claim(record_.spec.runtime_dir);
    if (!dir && dir.error().code == EBUSY)
      return Error{concat("cannot start ", record_.name, ": a VM of that name runs that is not hostd's"),
                   EBUSY};
    if (!dir) return dir.error().in(concat("cannot start ", record_.name));
  }
  VmRecord next = record_;
  next.is_wanted = true;
  next.run = {};
  next.run.started = sys::wall_now();
  if (const auto saved = registry_.save(next); !saved)
    return saved.error().in(concat("cannot start ", record_.name));
  record_ = std::move(next);
  status_.reset();
  launch_problem_.clear();
  handle(tracking::StartWanted{});
  return {};
}

Result<void> ManagedVm::stop(StopForce force) {
  if (record_.is_wanted && !record_.run.outcome) {
    VmRecord next = record_;
    next.is_wanted = false;
    if (const auto saved = registry_.save(next); !saved)
      return saved.error().in(concat("cannot stop ", record_.name));
    record_ = std::move(next);
  }
  handle(tracking::StopWanted{force});
  return {};
}

Result<void> ManagedVm::change(VmRequest request, VmSpec spec) {
  VmRecord next = record_;
  next.request = std::move(request);
  next.spec = std::move(spec);
  if (const auto saved = registry_.save(next); !saved)
    return saved.error().in(concat("cannot change ", record_.name));
  record_ = std::move(next);
  watcher_.on_change(*this);
  return {};
}

void ManagedVm::ask_runner(std::string method, std::string target, Duration limit,
                           std::function<void(Result<wire::Response>)> done) {
  if (!std::holds_alternative<tracking::Attached>(tracker_.state()))
    return done(Error{concat(record_.name, " is ", state_name()), EAGAIN});
  calls_.ask(file(runner_socket), {.method = std::move(method), .target = std::move(target)}, limit,
             std::move(done));
}

void ManagedVm::child_ended() { handle(tracking::ChildEnded{}); }

// --- what the tracker decides -----------------------------------------------------------------------------

void ManagedVm::handle(const tracking::Event& event) {
  const std::string before(state_name());
  for (const tracking::Effect& effect : tracker_.handle(event, loop_.now()))
    std::visit([this](const auto& wanted) { perform(wanted); }, effect);
  if (const auto due = tracker_.deadline()) {
    deadline_.arm(*due);
  } else {
    deadline_.disarm();
  }
  if (state_name() != before) watcher_.on_change(*this);
}

void ManagedVm::perform(const tracking::LaunchRunner&) {
  is_known_to_have_begun_ = true;
  progress_.reset(::memfd_create("progress", MFD_CLOEXEC));
  const auto child = launch_runner(record_.spec, progress_.get());
  if (child) {
    record_.run.runner_pid = child->pid;
    record_.run.runner_start_ticks = start_ticks_of(child->pid);
    return watcher_.on_launched(*this, child->pid);
  }
  launch_problem_ = child.error().message;
  loop_.post([this] { handle(tracking::ChildEnded{}); });
}

void ManagedVm::perform(const tracking::Dial&) {
  calls_.ask(file(runner_socket), {.method = "GET", .target = "/v1/vm"}, runner_answer_time,
             [this](const Result<wire::Response>& response) { dialled(response); });
}

void ManagedVm::dialled(const Result<wire::Response>& response) {
  auto status = response ? parse_runner_status(response->body) : response.error();
  if (!status) return handle(tracking::DialFailed{lock()});
  status_ = std::move(*status);
  is_known_to_have_begun_ = true;
  if (record_.run.runtime_id != status_->runtime_id) {
    // Saved with the first of its records.
    record_.run.runtime_id = status_->runtime_id;
    record_.run.seen = 0;
  }
  follow();
  handle(tracking::RunnerAnswered{});
}

void ManagedVm::perform(const tracking::AskToStop& effect) {
  const bool is_forced = effect.force == StopForce::immediate;
  // Whether it stops shows by its records; an answer that fails is made up for by the deadline.
  calls_.ask(file(runner_socket), {.method = "POST", .target = is_forced ? "/v1/stop?force=1" : "/v1/stop"},
             runner_answer_time, [](const Result<wire::Response>&) {});
}

void ManagedVm::perform(const tracking::KillRunner&) {
  const auto killed = kill_process({record_.run.runner_pid, record_.run.runner_start_ticks});
  // Where it has ended already, its lock tells.
  if (!killed && killed.error().code != ESRCH)
    log_warning("cannot end the runner of ", record_.name, ": ", killed.error().message);
}

void ManagedVm::perform(const tracking::LookAtLock&) {
  loop_.post([this] { handle(tracking::LockLooked{lock()}); });
}

void ManagedVm::perform(const tracking::ConcludeRun&) {
  loop_.post([this] {
    const bool begins_anew = is_to_begin_anew();
    const auto concluded = conclude();
    if (!concluded) {
      log_error("cannot record the end of ", record_.name, ": ", concluded.error().message);
      return handle(tracking::ConcludingFailed{});
    }
    handle(tracking::ConcludedRun{});
    if (!begins_anew) return;
    if (const auto started = start(); !started) log_error(started.error().message);
  });
}

}  // namespace kestrel::hostd
