#include "hostd/runner/runner.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "hostd/qemu_version.h"
#include "hostd/tool.h"
#include "hostd/vmm/disk_error.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"

namespace kestrel::hostd {

namespace {

/// The guest answers before it begins to stop; this bounds a guest that accepts and never answers.
constexpr Duration power_off_answer = seconds(10);

Outcome failed(ExitCode code, std::string message) { return {to_status(code), std::move(message), {}}; }

/// What it prints; empty where it cannot be asked, either.
std::string ask_version(const std::string& program) {
  constexpr Duration patience = seconds(2);
  return run_tool({.command = {program, "--version"}, .limit = patience}).value_or("");
}

VmPolicy policy_of(const VmSpec& spec) {
  return {spec.accel, spec.accel == Accel::tcg ? "" : find_kvm_problem(), spec.boot_timeout,
          spec.shutdown_timeout};
}

GuestIdentity identity_of(const VmSpec& spec) {
  GuestIdentity identity{spec.hostname, spec.env, spec.image_env, spec.user_data, {}, {}};
  for (const Volume& volume : spec.volumes) {
    if (volume.target.empty()) continue;
    identity.mounts.push_back({volume.name, volume.target, std::string(volume_file_system)});
  }
  return identity;
}

}  // namespace

std::string find_kvm_problem() {
  const sys::UniqueFd kvm(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  return kvm.is_open() ? "" : errno_error("cannot open /dev/kvm", errno).message;
}

Runner::Runner(loop::Loop& loop, VmSpec spec, RuntimeDir dir, RunnerObserver& observer, const TscMeter& tsc)
    : loop_(loop),
      spec_(std::move(spec)),
      dir_(std::move(dir)),
      observer_(observer),
      tsc_(tsc),
      machine_(policy_of(spec_)),
      deadline_(loop, [this] { handle(DeadlinePassed{}); }),
      dialer_(loop, vsock_),
      guest_(loop, identity_of(spec_), guest_callbacks()),
      pause_(loop, monitor()),
      publisher_(loop, dialer_, [this] { return guest_.token_for_callers(); }),
      control_(loop, *this) {}

Runner::~Runner() = default;

// --- before the start -------------------------------------------------------------------------------------

std::optional<Outcome> Runner::prepare() {
  for (const PublishedPort& port : spec_.ports) {
    const auto published = publisher_.publish(port);
    if (published) continue;
    const bool is_taken = published.error().code == EADDRINUSE;
    return failed(is_taken ? ExitCode::port_in_use : ExitCode::host_error, published.error().message);
  }
  const std::string link_path = concat(dir_.file(vsock_socket), '_', wire::vsock_port);
  for (const auto& result :
       {dir_.write(spec_file, to_json(spec_)), open_console_log(), open_disk_files(), open_network(),
        guest_.open(dir_, spec_.logs, link_path), publisher_.publish_api(dir_.file(api_socket)),
        publisher_.take_handoffs(dir_.file(handoff_socket)), control_.listen(dir_.file(runner_socket))}) {
    if (!result) return failed(ExitCode::host_error, result.error().message);
  }
  return std::nullopt;
}

Result<void> Runner::open_console_log() {
  auto console = RotatingFile::open(dir_.file(console_file), spec_.logs);
  if (!console) return console.error();
  console_log_ = std::move(*console);
  return {};
}

Result<void> Runner::open_disk_files() {
  auto disks = open_disks(spec_.disks);
  if (!disks) return disks.error();
  disks_ = std::move(*disks);
  for (const Volume& volume : spec_.volumes) {
    auto open = open_volume(volume);
    if (!open) return open.error();
    disks_.push_back(std::move(*open));
  }
  return {};
}

Result<void> Runner::open_network() {
  if (spec_.network.kind != NetworkSpec::Kind::bridge) return {};
  auto card = open_card(spec_.network, spec_.name);
  if (!card) return card.error();
  card_ = std::move(*card);
  wire::NetworkSettings settings{format(card_->address()), format(card_->host.address), {}};
  for (const IpAddress& server : card_->name_servers) settings.name_servers.push_back(format(server));
  guest_.give_network(std::move(settings));
  return {};
}

// --- the machine ------------------------------------------------------------------------------------------

/// Effects may bring events at once (a VMM that cannot be spawned): they queue up, nothing recurses.
void Runner::handle(Event event) {
  pending_.push_back(std::move(event));
  if (is_handling_) return;
  is_handling_ = true;
  while (!pending_.empty()) {
    const Event next = std::move(pending_.front());
    pending_.pop_front();
    for (const Effect& effect : machine_.handle(next, loop_.now())) {
      std::visit([this](const auto& wanted) { perform(wanted); }, effect);
    }
  }
  is_handling_ = false;
  if (const auto due = machine_.deadline()) {
    deadline_.arm(*due);
  } else {
    deadline_.disarm();
  }
}

void Runner::perform(const SpawnVmm& effect) {
  uses_kvm_ = effect.uses_kvm;
  started_ = sys::wall_now();
  boot_.clear();
  guest_.forget_boot();
  console_ = {};
  vsock_.reset();
  // It may be what has just told us of its end.
  loop_.post([gone = std::shared_ptr<VmmProcess>(std::move(vmm_))] {});

  auto vsock = open_vsock();
  if (!vsock) return handle(SpawnFailed{ExitCode::host_error, vsock.error().message});
  vsock_ = std::move(*vsock);

  VmmFacts facts;
  facts.vsock = vsock_->facts();
  facts.uses_kvm = effect.uses_kvm;
  facts.tsc_khz = effect.uses_kvm ? 0 : tsc_.khz();
  facts.disk_fds = fds_of(disks_);
  if (card_) {
    facts.card = {card_->tap.get(), mac_for(card_->lease.address)};
    facts.held_fds = {card_->lease.lock.get()};
  }
  auto started = VmmProcess::start(loop_, spec_, facts, dir_.file(qmp_socket),
                                   {.on_console = [this](std::string_view bytes) { take_console(bytes); },
                                    .on_event = [this](const QmpEvent& event) { take_qmp_event(event); },
                                    .on_exit = [this](const VmmExited& exit) { vmm_exited(exit); }});
  if (auto* failure = std::get_if<SpawnFailed>(&started)) return handle(std::move(*failure));
  vmm_ = std::move(std::get<std::unique_ptr<VmmProcess>>(started));
  vsock_->vmm_started();
  guest_.record_host_event(
      "vm.started", concat("{\"accel\":\"", effect.uses_kvm ? "kvm" : "tcg", "\",\"vsock\":\"",
                           name_of(vsock_->device()), "\",\"runtime_id\":\"", guest_.runtime_id(), "\"}"));
}

GuestVsockResult Runner::open_vsock() {
  const std::string path = dir_.file(vsock_socket);
  const GuestVsockCallbacks callbacks = {
      .on_driver_up =
          [this] {
            publisher_.let_in();
            handle(DriverCameUp{});
            ask_if_stopping();
          },
      .on_link = [this](sys::UniqueFd call) { guest_.take_link(std::move(call)); },
      .on_failed =
          [this](const Error& error) {
            handle(HostFailed{concat("the vsock device failed: ", error.message)});
          }};
  return choose_vsock(
      spec_.vsock, [&] { return open_kernel_vsock(loop_, path, callbacks); },
      [&] { return open_user_vsock(loop_, path, callbacks); });
}

void Runner::perform(const SendPowerOff&) {
  // A guest that has just said hello does not listen yet, and one that was paused has no vsock device for a
  // moment.
  if (!guest_.is_callable() || !vsock_->is_driver_up()) return;
  const auto answered = [this](const Result<wire::Response>& answer) {
    if (answer && answer->status / 100 == 2) return;
    if (answer) return handle(PowerOffFailed{concat("it answered ", answer->status)});
    // A guest on its way down may close before it answers; whether it is shows by its last word.
    if (answer.error().code != ECONNRESET) handle(PowerOffFailed{answer.error().message});
  };
  power_off_ = std::make_unique<GuestRequest>(loop_, dialer_, guest_.token(), power_off_request(),
                                              power_off_answer, answered);
}

void Runner::perform(const NotePaused&) {
  publisher_.hold();
  guest_.record_host_event("vm.paused", "{}");
  pause_.paused();
}

void Runner::perform(const ResumeVmm&) {
  if (vmm_) vmm_->resume();
}

void Runner::perform(const TellResumed& effect) {
  // Its device may follow a moment later, and lets them in then.
  if (vsock_ && vsock_->is_driver_up()) publisher_.let_in();
  guest_.record_host_event("vm.unpaused", concat("{\"paused_ms\":", to_ms(effect.paused), '}'));
  pause_.resumed(effect.paused);
}

void Runner::perform(const QuitVmm&) {
  if (vmm_) vmm_->quit();
}

void Runner::perform(const KillVmm&) {
  if (vmm_) vmm_->kill();
}

void Runner::perform(const AckExiting&) { guest_.acknowledge_exiting(); }

void Runner::perform(const ReportProgress& effect) {
  boot_.emplace_back(effect.step, effect.since_start);
  observer_.on_progress(effect.step, effect.since_start);
}

void Runner::perform(const ReportNotice& effect) {
  log_info(effect.text);
  observer_.on_notice(effect.text);
}

void Runner::perform(const Finish& effect) {
  Outcome outcome = effect.outcome;
  // Only now: to ask each time would cost every boot.
  if (outcome.status == to_status(ExitCode::vmm_refused))
    outcome.details.push_back(explain_refusal(spec_.program, ask_version(spec_.program)));
  guest_.record_host_event("vm.stopped", to_json(outcome));
  pause_.give_up("the VM has ended");
  observer_.on_finish(outcome, console_.last_lines());
  control_.finish(outcome);
  outcome_ = std::move(outcome);
  loop_.stop();
}

void Runner::close(AfterEnd after) {
  power_off_.reset();
  vsock_.reset();
  vmm_.reset();
  if (after == AfterEnd::remove) return dir_.remove();
  dir_.remove_sockets();
  const auto written = dir_.write(exit_file, to_json(outcome_.value_or(Outcome{})) + "\n");
  if (!written) log_error(written.error().message);
}

// --- what happens -----------------------------------------------------------------------------------------

void Runner::take_console(std::string_view bytes) {
  if (const auto written = console_log_.append(bytes); !written) log_debug(written.error().message);
  const bool is_first = !console_.has_spoken();
  auto panic = console_.feed(bytes);
  if (is_first) handle(ConsoleSpoke{});
  if (panic) handle(PanicSeen{std::move(*panic)});
}

void Runner::take_qmp_event(const QmpEvent& event) {
  log_debug("QEMU: ", event.name, ' ', event.data);
  if (event.name == "BLOCK_IO_ERROR") tell_disk_error(event);
  if (event.name == "STOP") handle(VmmPaused{});
  if (event.name == "RESUME") {
    has_disk_error_ = false;
    handle(VmmResumed{});
  }
}

/// Each write that fails tells so, until the guest stands still: people want to know it once.
void Runner::tell_disk_error(const QmpEvent& event) {
  const auto error = find_disk_error(event.data, all_disks(spec_));
  if (!error || std::exchange(has_disk_error_, true)) return;
  guest_.record_host_event("vm.disk_error", to_json(*error));
  perform(ReportNotice{concat("the disk ", error->disk, " cannot be written: ", error->reason,
                              "; the VM stands still, kestrelctl vms resume lets it go on")});
}

PauseControl::Monitor Runner::monitor() {
  return {
      .pause =
          [this] {
            if (vmm_) vmm_->pause();
          },
      .resume = [this] { perform(ResumeVmm{}); },
      .state_name = [this] { return name_of(machine_.state()); },
      .tell_guest = [this](std::uint64_t id, Duration paused) { return guest_.tell_resumed(id, paused); }};
}

void Runner::vmm_exited(const VmmExited& exit) {
  if (auto panic = console_.finish()) handle(PanicSeen{std::move(*panic)});
  handle(exit);
}

GuestSessionCallbacks Runner::guest_callbacks() {
  return {.on_hello = [this] { handle(HelloReceived{}); },
          .on_refused = [this](std::string_view reason) { handle(HostFailed{std::string(reason)}); },
          .on_callable = [this] { api_came_up(); },
          .on_event = [this](const wire::EventMessage& event) { take_event(event); },
          .on_log = [this](const wire::LogMessage& log) { observer_.on_log(log); },
          .on_lost_logs = [this](std::uint64_t lines) { observer_.on_lost_logs(lines); },
          .on_exiting = [this](const wire::Exiting& word) { handle(ExitingReceived{word}); },
          .on_resumed = [this](const wire::ResumedReport& report) { pause_.guest_reported(report); },
          .on_lost = [] {}};
}

void Runner::take_event(const wire::EventMessage& event) {
  observer_.on_event(event);
  if (event.type == "vm.ready") handle(ServicesBecameReady{});
  if (event.type == "vm.healthy") handle(HealthChanged{true});
  if (event.type == "vm.unhealthy") handle(HealthChanged{false});
}

void Runner::api_came_up() {
  publisher_.guest_came_up();
  ask_if_stopping();
}

/// A stop may have been asked for before there was anybody to tell.
void Runner::ask_if_stopping() {
  const auto* stopping = std::get_if<Stopping>(&machine_.state());
  if (stopping != nullptr && stopping->phase == Stopping::Phase::asking) perform(SendPowerOff{});
}

}  // namespace kestrel::hostd
