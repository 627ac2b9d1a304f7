#include "hostd/runner/attached_vm.h"

#include <signal.h>

#include <cerrno>

#include "hostd/vm_outcome.h"
#include "kestrel/base/log.h"
#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/signal_watcher.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

constexpr Duration answer_time = seconds(10);
/// A guest that was there before its runner has its API at once; one that boots tells by its first event.
constexpr Duration health_pause = milliseconds(250);
constexpr int most_health_tries = 20;
constexpr Duration vmm_check_pause = seconds(1);
/// From the last word's acknowledgement to the end of the link.
constexpr Duration leaving_time = seconds(5);

Error foreign_vmm(std::string_view verb) {
  return Error{concat("cannot ", verb, " it: its VMM is somebody else's"), EBUSY};
}

Outcome failed(ExitCode code, std::string message) { return {to_status(code), std::move(message), {}}; }

}  // namespace

AttachedVm::AttachedVm(loop::Loop& loop, AttachSpec spec, RuntimeDir dir, RunnerObserver& observer)
    : loop_(loop),
      spec_(std::move(spec)),
      dir_(std::move(dir)),
      observer_(observer),
      began_(loop.now()),
      dialer_(loop, hybrid_way(spec_.uds_path)),
      health_retry_(loop, [this] { ask_health(); }),
      vmm_check_(loop, [this] { look_for_vmm(); }),
      leaving_limit_(loop, [this] { finish(Outcome(std::get<Leaving>(state_).outcome)); }),
      guest_(loop, spec_.identity, guest_callbacks()),
      publisher_(loop, dialer_, [this] { return guest_.token_for_callers(); }),
      control_(loop, *this) {}

AttachedVm::~AttachedVm() = default;

std::optional<Outcome> AttachedVm::prepare() {
  dir_.remove(exit_file);
  for (const PublishedPort& port : spec_.ports) {
    const auto published = publisher_.publish(port);
    if (published) continue;
    const bool is_taken = published.error().code == EADDRINUSE;
    return failed(is_taken ? ExitCode::port_in_use : ExitCode::host_error, published.error().message);
  }
  const std::string link_path = concat(spec_.uds_path, '_', wire::vsock_port);
  for (const auto& result :
       {guest_.open(dir_, spec_.logs, link_path), publisher_.publish_api(dir_.file(api_socket)),
        publisher_.take_handoffs(dir_.file(handoff_socket)), control_.listen(dir_.file(runner_socket))}) {
    if (!result) return failed(ExitCode::host_error, result.error().message);
  }
  guest_.recall_boot();
  guest_.record_host_event("vm.attached", concat("{\"runtime_id\":\"", guest_.runtime_id(), "\"}"));
  return std::nullopt;
}

// --- what the guest tells ---------------------------------------------------------------------------------

GuestSessionCallbacks AttachedVm::guest_callbacks() {
  return {.on_hello = [this] { take_hello(); },
          .on_refused = [this](std::string_view reason) { observer_.on_notice(reason); },
          .on_callable = [this] { publisher_.guest_came_up(); },
          .on_event = [this](const wire::EventMessage& event) { take_event(event); },
          .on_log = [this](const wire::LogMessage& log) { observer_.on_log(log); },
          .on_lost_logs = [this](std::uint64_t lines) { observer_.on_lost_logs(lines); },
          .on_exiting = [this](const wire::Exiting& word) { take_exiting(word); },
          .on_resumed = [](const wire::ResumedReport&) {},
          .on_lost =
              [this] {
                if (auto* leaving = std::get_if<Leaving>(&state_)) return finish(Outcome(leaving->outcome));
                vmm_check_.arm(vmm_check_pause);
              }};
}

void AttachedVm::take_hello() {
  vmm_check_.disarm();
  const std::string& boot_id = guest_.hello()->boot_id;
  const bool is_same_boot = boot_id == boot_id_ && std::holds_alternative<Present>(state_);
  boot_id_ = boot_id;
  if (is_same_boot) return;
  leaving_limit_.disarm();
  state_ = Present{};
  report(Step::kestrel);
  // What it told a runner before this one it does not tell again.
  health_tries_ = 0;
  health_retry_.arm(Duration::zero());
}

void AttachedVm::ask_health() {
  if (guest_.is_callable() || !guest_.is_linked() || ++health_tries_ > most_health_tries) return;
  wire::Request request;
  request.method = "GET";
  request.target = "/v1/health";
  request.headers = {{"Host", "vm"}};
  request_ =
      std::make_unique<GuestRequest>(loop_, dialer_, guest_.token(), request, answer_time,
                                     [this](const Result<wire::Response>& answer) { take_health(answer); });
}

void AttachedVm::take_health(const Result<wire::Response>& answer) {
  auto* present = std::get_if<Present>(&state_);
  if (present == nullptr || guest_.is_callable()) return;
  if (!answer || (answer->status != 200 && answer->status != 503)) return health_retry_.arm(health_pause);
  guest_.become_callable();
  if (answer->status != 200) return;
  present->is_ready = present->is_healthy.emplace(true);
  report(Step::healthy);
}

void AttachedVm::take_event(const wire::EventMessage& event) {
  observer_.on_event(event);
  auto* present = std::get_if<Present>(&state_);
  if (present == nullptr) return;
  if (event.type == "vm.ready" && !std::exchange(present->is_ready, true)) report(Step::services);
  if (event.type == "vm.healthy" && !present->is_healthy) report(Step::healthy);
  if (event.type == "vm.healthy") present->is_healthy = true;
  if (event.type == "vm.unhealthy") present->is_healthy = false;
}

void AttachedVm::take_exiting(const wire::Exiting& word) {
  guest_.acknowledge_exiting();
  if (word.action == "reboot") {
    observer_.on_notice("the guest reboots");
    state_ = Waiting{};
    return;
  }
  state_ = Leaving{outcome_of(word)};
  leaving_limit_.arm(leaving_time);
}

/// While the link is down: a VMM that still answers may have a guest that reboots, or is about to dial again.
void AttachedVm::look_for_vmm() {
  if (guest_.is_linked()) return;
  const auto answers = sys::connect_unix(spec_.uds_path);
  if (!answers && (answers.error().code == ECONNREFUSED || answers.error().code == ENOENT)) {
    return finish(failed(ExitCode::guest_lost, "the guest's VMM went away, and the guest had no last word"));
  }
  vmm_check_.arm(vmm_check_pause);
}

// --- what others want -------------------------------------------------------------------------------------

Result<void> AttachedVm::stop(StopRequested::Urgency urgency) {
  if (urgency == StopRequested::Urgency::immediate) return foreign_vmm("force the end of");
  auto* present = std::get_if<Present>(&state_);
  if (present == nullptr || !guest_.is_callable())
    return Error{concat("cannot stop it: it is ", state_name()), EBUSY};
  present->is_stopping = true;
  request_ = std::make_unique<GuestRequest>(
      loop_, dialer_, guest_.token(), power_off_request(), answer_time,
      [this](const Result<wire::Response>& answer) {
        if (answer && answer->status / 100 == 2) return;
        log_warning("the guest could not be asked to shut down: ",
                    answer ? concat("it answered ", answer->status) : answer.error().message);
      });
  return {};
}

void AttachedVm::pause(PauseAnswer answer) { answer(foreign_vmm("pause")); }
void AttachedVm::resume(PauseAnswer answer) { answer(foreign_vmm("resume")); }

void AttachedVm::detach() {
  guest_.record_host_event("vm.detached", "{}");
  finish({});
}

// --- the end ----------------------------------------------------------------------------------------------

void AttachedVm::finish(Outcome outcome) {
  if (outcome_) return;
  leaving_limit_.disarm();
  vmm_check_.disarm();
  outcome_ = std::move(outcome);
  if (std::holds_alternative<Leaving>(state_) || outcome_->status != 0)
    guest_.record_host_event("vm.stopped", to_json(*outcome_));
  observer_.on_finish(*outcome_, {});
  control_.finish(*outcome_);
  loop_.stop();
}

void AttachedVm::close() {
  request_.reset();
  dir_.remove(api_socket);
  dir_.remove(runner_socket);
  const bool has_guest_ended =
      std::holds_alternative<Leaving>(state_) || outcome_.value_or(Outcome{}).status != 0;
  if (!has_guest_ended) return;
  const auto written = dir_.write(exit_file, to_json(outcome_.value_or(Outcome{})) + "\n");
  if (!written) log_error(written.error().message);
}

void AttachedVm::report(Step step) { observer_.on_progress(step, loop_.now() - began_); }

std::string_view AttachedVm::state_name() const {
  return std::visit(overloaded{
                        [](const Waiting&) -> std::string_view { return "waiting"; },
                        [](const Present& present) -> std::string_view {
                          if (present.is_stopping) return "stopping";
                          if (present.is_healthy) return *present.is_healthy ? "healthy" : "unhealthy";
                          return present.is_ready ? "ready" : "starting";
                        },
                        [](const Leaving&) -> std::string_view { return "stopping"; },
                    },
                    state_);
}

Outcome run_attached(loop::Loop& loop, const AttachSpec& spec, RunnerObserver& observer) {
  const auto refuse = [&](ExitCode code, std::string message) {
    Outcome outcome = failed(code, std::move(message));
    observer.on_finish(outcome, {});
    return outcome;
  };
  if (const auto checked = check_socket_paths(spec.runtime_dir); !checked)
    return refuse(ExitCode::host_error, checked.error().message);
  auto dir = RuntimeDir::adopt(spec.runtime_dir);
  if (!dir) {
    const bool is_running = dir.error().code == EBUSY;
    return refuse(is_running ? ExitCode::name_in_use : ExitCode::host_error, dir.error().message);
  }
  AttachedVm vm(loop, spec, std::move(*dir), observer);
  if (auto problem = vm.prepare()) {
    vm.close();
    observer.on_finish(*problem, {});
    return *std::move(problem);
  }
  std::vector<loop::SignalWatcher> signals;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) signals.emplace_back(loop, signal, [&] { vm.detach(); });
  loop.run();
  vm.close();
  return vm.outcome().value_or(failed(ExitCode::host_error, "the event loop came to an end"));
}

}  // namespace kestrel::hostd
