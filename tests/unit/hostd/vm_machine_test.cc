#include "hostd/vm_machine.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A machine on a clock that the test advances.
class Bench {
 public:
  explicit Bench(Accel accel = Accel::tcg, std::string kvm_problem = {})
      : machine_(VmPolicy{accel, std::move(kvm_problem), seconds(30), seconds(45)}) {}

  Effects operator()(const Event& event) { return machine_.handle(event, now_); }
  Effects after(Duration duration, const Event& event = DeadlinePassed{}) {
    now_ += duration;
    return machine_.handle(event, now_);
  }
  Bench& boot() {
    (void)(*this)(StartRequested{});
    return *this;
  }
  Bench& run() {
    boot();
    (void)(*this)(HelloReceived{});
    return *this;
  }
  [[nodiscard]] std::optional<Duration> deadline() const {
    const auto at = machine_.deadline();
    return at ? std::optional(*at - now_) : std::nullopt;
  }
  [[nodiscard]] std::string_view state() const { return name_of(machine_.state()); }

 private:
  VmMachine machine_;
  MonotonicTime now_{seconds(1000)};
};

template <typename E>
const E* find(const Effects& effects) {
  for (const Effect& effect : effects) {
    if (const auto* found = std::get_if<E>(&effect)) return found;
  }
  return nullptr;
}

Outcome finished(const Effects& effects) {
  const auto* finish = find<Finish>(effects);
  REQUIRE(finish != nullptr);
  return finish->outcome;
}

wire::Exiting last_word(int status, std::string cause) {
  wire::Exiting word;
  word.status = status;
  word.cause = std::move(cause);
  return word;
}

VmmExited exited(int code, std::string words = {}) { return {code, 0, std::move(words)}; }
VmmExited killed(int signal) { return {0, signal, {}}; }

}  // namespace

TEST_CASE("a boot reports each step once, with the time since the start", "[hostd]") {
  Bench bench;
  CHECK(bench(StartRequested{}) == Effects{SpawnVmm{false}, ReportProgress{Step::vm, Duration{}}});
  CHECK(bench.after(milliseconds(400), ConsoleSpoke{}) ==
        Effects{ReportProgress{Step::kernel, milliseconds(400)}});
  CHECK(bench(ConsoleSpoke{}).empty());
  CHECK(bench(DriverCameUp{}).empty());
  CHECK(bench.after(milliseconds(600), HelloReceived{}) ==
        Effects{ReportProgress{Step::kestrel, seconds(1)}});
  CHECK(bench(HelloReceived{}).empty());
  CHECK(bench(ServicesBecameReady{}) == Effects{ReportProgress{Step::services, seconds(1)}});
  CHECK(bench(ServicesBecameReady{}).empty());
  CHECK(bench(HealthChanged{true}) == Effects{ReportProgress{Step::healthy, seconds(1)}});
  CHECK(bench.state() == "healthy");
  CHECK(bench(HealthChanged{false}).empty());
  CHECK(bench.state() == "unhealthy");
  CHECK(bench(HealthChanged{true}).empty());
  CHECK_FALSE(bench.deadline());
}

TEST_CASE("the guest's last word is acknowledged and becomes the exit status", "[hostd]") {
  Bench bench;
  bench.run();
  CHECK(bench(ExitingReceived{last_word(7, "batch")}) == Effects{AckExiting{}});
  CHECK(finished(bench(exited(0))) == Outcome{7, "", {}});
}

TEST_CASE("a guest ended by a signal ends with 128 and the signal", "[hostd]") {
  Bench bench;
  bench.run();
  auto word = last_word(0, "batch");
  word.signal = 9;
  (void)bench(ExitingReceived{word});
  CHECK(finished(bench(exited(0))).status == 137);
}

TEST_CASE("a bad config ends with 78 and all its problems", "[hostd]") {
  Bench bench;
  bench.run();
  auto word = last_word(78, "config");
  word.problems = {"config.yaml:3:5: a", "config.yaml:4:5: b"};
  (void)bench(ExitingReceived{word});
  CHECK(finished(bench(exited(0))) == Outcome{78, "the guest's config is wrong: 2 problems", word.problems});
}

TEST_CASE("a last word that is sent again is acknowledged again", "[hostd]") {
  Bench bench;
  bench.run();
  (void)bench(ExitingReceived{last_word(0, "shutdown")});
  CHECK(bench(ExitingReceived{last_word(0, "shutdown")}) == Effects{AckExiting{}});
}

TEST_CASE("a guest that does not power off after its last word is killed, and keeps its status", "[hostd]") {
  Bench bench;
  bench.run();
  (void)bench(ExitingReceived{last_word(7, "batch")});
  CHECK(bench.after(*bench.deadline()) == Effects{KillVmm{}});
  CHECK_FALSE(bench.deadline());
  CHECK(finished(bench(killed(9))).status == 7);
}

TEST_CASE("a stop asks the guest, then QEMU, then kills", "[hostd]") {
  Bench bench;
  bench.run();
  CHECK(bench(StopRequested{}) == Effects{SendPowerOff{}});
  CHECK(bench(StopRequested{}).empty());
  CHECK(*bench.deadline() == seconds(45));
  CHECK(bench.after(seconds(45)) == Effects{QuitVmm{}});
  CHECK(bench.after(*bench.deadline()) == Effects{KillVmm{}});
  const Outcome outcome = finished(bench(killed(9)));
  CHECK(outcome.status == to_status(ExitCode::stop_forced));
  CHECK(outcome.message == "the guest did not shut down within 45s and was ended by force");
}

TEST_CASE("a stop that the guest obeys ends with the guest's status", "[hostd]") {
  Bench bench;
  bench.run();
  (void)bench(StopRequested{});
  CHECK(bench(ExitingReceived{last_word(0, "shutdown")}) == Effects{AckExiting{}});
  CHECK(finished(bench(exited(0))) == Outcome{});
}

TEST_CASE("a guest whose API cannot be reached is ended through QEMU at once", "[hostd]") {
  Bench bench;
  bench.run();
  (void)bench(StopRequested{});
  CHECK(bench(PowerOffFailed{"cannot connect"}) == Effects{QuitVmm{}});
  CHECK(finished(bench(exited(0))).message == "the guest could not be asked to shut down: cannot connect");
}

TEST_CASE("a late failure to ask cannot restart the stop's next phase", "[hostd]") {
  Bench bench;
  bench.run();
  (void)bench(StopRequested{});
  (void)bench.after(seconds(45));
  CHECK(bench(PowerOffFailed{"timed out"}).empty());
}

TEST_CASE("a deadline that comes early does nothing", "[hostd]") {
  Bench bench;
  bench.boot();
  CHECK(bench.after(seconds(29)).empty());
  CHECK(bench.after(seconds(1)) == Effects{KillVmm{}});
}

TEST_CASE("a second, urgent stop kills", "[hostd]") {
  Bench bench;
  bench.run();
  (void)bench(StopRequested{});
  CHECK(bench(StopRequested{StopRequested::Urgency::immediate}) == Effects{KillVmm{}});
  CHECK(bench(StopRequested{StopRequested::Urgency::immediate}).empty());
  CHECK(finished(bench(killed(9))) ==
        Outcome{to_status(ExitCode::stop_forced), "the VM was ended by force", {}});
}

TEST_CASE("a stop before the hello ends QEMU, for there is nobody to ask", "[hostd]") {
  Bench bench;
  bench.boot();
  CHECK(bench(StopRequested{}) == Effects{QuitVmm{}});
  CHECK(finished(bench(exited(0))).status == to_status(ExitCode::stop_forced));
}

TEST_CASE("a guest that never says hello is told by how far it came", "[hostd]") {
  using Signs = std::vector<Event>;
  const auto [events, message] = GENERATE(table<Signs, std::string>({
      {Signs{}, "its kernel showed no sign of life"},
      {Signs{ConsoleSpoke{}}, "its kernel started, but its vsock driver did not"},
      {Signs{ConsoleSpoke{}, DriverCameUp{}}, "its vsock driver is up, but kestrel does not speak"},
  }));
  Bench bench;
  bench.boot();
  for (const Event& event : events) (void)bench(event);
  CHECK(bench.after(seconds(30)) == Effects{KillVmm{}});
  CHECK(finished(bench(killed(9))) ==
        Outcome{to_status(ExitCode::no_hello), "the guest did not say hello within 30s: " + message, {}});
}

TEST_CASE("QEMU's end before the hello is named by what it was", "[hostd]") {
  Bench bench;
  bench.boot();
  SECTION("QEMU did not like its command line") {
    CHECK(finished(bench(exited(1, "qemu: invalid option"))) ==
          Outcome{to_status(ExitCode::vmm_refused),
                  "QEMU refused to start: QEMU exited with status 1: qemu: invalid option",
                  {}});
  }
  SECTION("QEMU broke while the kernel ran") {
    (void)bench(ConsoleSpoke{});
    CHECK(finished(bench(exited(1))).status == to_status(ExitCode::vmm_died));
  }
  SECTION("somebody killed it") {
    CHECK(finished(bench(killed(9))) ==
          Outcome{to_status(ExitCode::vmm_died), "QEMU was killed by SIGKILL", {}});
  }
  SECTION("the guest powered off") {
    CHECK(finished(bench(exited(0))).status == to_status(ExitCode::no_hello));
  }
}

TEST_CASE("QEMU's end after the hello is the guest's loss, or QEMU's", "[hostd]") {
  Bench bench;
  bench.run();
  SECTION("clean") { CHECK(finished(bench(exited(0))).status == to_status(ExitCode::guest_lost)); }
  SECTION("killed") { CHECK(finished(bench(killed(9))).status == to_status(ExitCode::vmm_died)); }
  SECTION("failed") { CHECK(finished(bench(exited(1))).status == to_status(ExitCode::vmm_died)); }
}

TEST_CASE("a kernel panic is quoted, whenever it comes", "[hostd]") {
  Bench bench;
  SECTION("during boot") { bench.boot(); }
  SECTION("later") { bench.run(); }
  CHECK(bench(PanicSeen{"Kernel panic - not syncing: No working init found."}).empty());
  CHECK(finished(bench(exited(0))) ==
        Outcome{to_status(ExitCode::kernel_panic),
                "the guest's kernel panicked: Kernel panic - not syncing: No working init found.",
                {}});
}

TEST_CASE("a panicked guest that hangs is killed", "[hostd]") {
  Bench bench;
  bench.boot();
  (void)bench(PanicSeen{"Kernel panic"});
  CHECK(bench.after(*bench.deadline()) == Effects{KillVmm{}});
  CHECK(finished(bench(killed(9))).status == to_status(ExitCode::kernel_panic));
}

TEST_CASE("auto starts with KVM where it can, and with TCG where it cannot", "[hostd]") {
  CHECK(find<SpawnVmm>(Bench(Accel::automatic)(StartRequested{}))->uses_kvm);
  CHECK_FALSE(find<SpawnVmm>(Bench(Accel::automatic, "no /dev/kvm")(StartRequested{}))->uses_kvm);
}

TEST_CASE("KVM that dies before the hello is given up for TCG, once", "[hostd]") {
  Bench bench(Accel::automatic);
  bench.boot();
  const Effects effects = bench(exited(1, "failed to initialize kvm"));
  CHECK(find<ReportNotice>(effects)->text ==
        "KVM does not work here (QEMU exited with status 1: failed to initialize kvm): trying again without "
        "it");
  CHECK_FALSE(find<SpawnVmm>(effects)->uses_kvm);
  CHECK(finished(bench(exited(1, "x"))).status == to_status(ExitCode::vmm_refused));
}

TEST_CASE("silence under KVM is given up for TCG after the first VMM has ended", "[hostd]") {
  Bench bench(Accel::automatic);
  bench.boot();
  const Effects effects = bench.after(seconds(30));
  CHECK(find<KillVmm>(effects) != nullptr);
  CHECK(find<SpawnVmm>(effects) == nullptr);
  CHECK_FALSE(find<SpawnVmm>(bench(killed(9)))->uses_kvm);
  CHECK(*bench.deadline() == seconds(30));
}

TEST_CASE("KVM that was asked for by name is never replaced", "[hostd]") {
  Bench without(Accel::kvm, "cannot open /dev/kvm: No such file or directory");
  CHECK(finished(without(StartRequested{})) ==
        Outcome{to_status(ExitCode::host_error),
                "cannot use KVM: cannot open /dev/kvm: No such file or directory",
                {}});
  Bench with(Accel::kvm);
  with.boot();
  CHECK(finished(with(exited(1))).status == to_status(ExitCode::vmm_refused));
}

TEST_CASE("a reboot boots again, unless a stop was asked for", "[hostd]") {
  Bench bench;
  bench.run();
  auto word = last_word(0, "shutdown");
  word.action = "reboot";
  SECTION("the guest's wish") {
    (void)bench(ExitingReceived{word});
    CHECK(find<SpawnVmm>(bench(exited(0))) != nullptr);
    CHECK(bench.state() == "booting");
  }
  SECTION("a stop before it") {
    (void)bench(StopRequested{});
    (void)bench(ExitingReceived{word});
    CHECK(finished(bench(exited(0))).status == 0);
  }
  SECTION("a stop after it") {
    (void)bench(ExitingReceived{word});
    (void)bench(StopRequested{});
    CHECK(finished(bench(exited(0))).status == 0);
  }
}

TEST_CASE("a failure on the host's side kills the VM and is its outcome", "[hostd]") {
  Bench bench;
  bench.run();
  CHECK(bench(HostFailed{"the vsock device failed"}) == Effects{KillVmm{}});
  CHECK(finished(bench(killed(9))) ==
        Outcome{to_status(ExitCode::host_error), "the vsock device failed", {}});
}

TEST_CASE("nothing that happens after the last word changes the outcome", "[hostd]") {
  Bench bench;
  bench.run();
  (void)bench(ExitingReceived{last_word(7, "batch")});
  CHECK(bench(HostFailed{"the vsock device failed"}).empty());
  CHECK(bench(PanicSeen{"Kernel panic"}).empty());
  CHECK(bench(StopRequested{}).empty());
  CHECK(finished(bench(killed(9))).status == 7);
}

TEST_CASE("a VMM that cannot be spawned ends the VM with its reason", "[hostd]") {
  Bench bench;
  bench.boot();
  CHECK(finished(bench(SpawnFailed{ExitCode::vmm_missing, "cannot find qemu-system-x86_64"})) ==
        Outcome{127, "cannot find qemu-system-x86_64", {}});
  CHECK(bench(exited(0)).empty());
}

TEST_CASE("a VM that QEMU pauses shows so, and its guest is told how long it was", "[hostd]") {
  Bench vm;
  vm.run();
  (void)vm(HealthChanged{true});
  CHECK(find<NotePaused>(vm(VmmPaused{})) != nullptr);
  CHECK(vm.state() == "paused");
  CHECK(vm(VmmPaused{}).empty());
  CHECK(vm.after(seconds(3), VmmResumed{}) == Effects{TellResumed{seconds(3)}});
  CHECK(vm.state() == "healthy");
  CHECK(vm(VmmResumed{}).empty());
}

TEST_CASE("a VM that is paused has no deadline, and only its guest's running can be paused", "[hostd]") {
  Bench vm;
  vm.boot();
  CHECK(vm(VmmPaused{}).empty());
  CHECK(vm(VmmResumed{}).empty());
  CHECK(vm.state() == "booting");
  (void)vm(HelloReceived{});
  (void)vm(VmmPaused{});
  CHECK_FALSE(vm.deadline());
}

TEST_CASE("a paused VM that is to stop goes on first, for it has to do that itself", "[hostd]") {
  Bench vm;
  vm.run();
  (void)vm(VmmPaused{});
  CHECK(vm.after(seconds(2), StopRequested{}) ==
        Effects{ResumeVmm{}, TellResumed{seconds(2)}, SendPowerOff{}});
  CHECK(vm.state() == "stopping");
}

TEST_CASE("a paused VM can be ended by force", "[hostd]") {
  Bench vm;
  vm.run();
  (void)vm(VmmPaused{});
  CHECK(find<KillVmm>(vm(StopRequested{StopRequested::Urgency::immediate})) != nullptr);
}
