// The life of one VM, as decisions: events and the time go in, effects come out. No clock, no I/O.
//
//   Idle ──► Booting ──hello──► Running ──exiting──► PoweringOff ──► Ended
//              │  ▲                │
//              ▼  │                ▼ a stop is asked for
//          FallingBack         Stopping: asking ► quitting ► killing
//
// *Booting*: a VMM runs, its guest has not spoken yet. It has until the boot timeout. With accelerator `auto`
// a first try under KVM that dies or stays silent is given up for TCG, once; *FallingBack* waits for that
// VMM's end, because two VMMs must never share the sockets. *Running*: the guest said hello. A lost link is
// no reason to end anything: the guest dials again, and a VMM that is gone shows by its exit. It may be
// paused, by whoever talks to QEMU; what follows goes by what QEMU tells. *PoweringOff*: the guest had its
// last word, so the outcome is known, and nothing that happens afterwards changes it. *Stopping* has three
// phases of growing force with one deadline each: ask the guest over its API, tell QEMU to quit, kill it.
// *Panicked*: the console showed a kernel panic; the VMM ends by itself (the guest resets), or is killed a
// little later.
//
// QEMU's exit status says nothing about the guest. What the guest's end means travels by the link alone.
//
// Each state holds its one deadline; deadline() is what the runner arms its one timer for.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hostd/exit_status.h"
#include "hostd/vm_spec.h"
#include "kestrel/base/time.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

struct VmPolicy {
  Accel accel = Accel::automatic;
  std::string kvm_problem;  ///< why KVM cannot be used; empty where it can
  Duration boot_timeout = seconds(30);
  Duration shutdown_timeout = seconds(45);
};

/// How a VM ended: what the command exits with, and what it says on stderr.
struct Outcome {
  int status = 0;
  std::string message;               ///< one line; empty where the status says it all
  std::vector<std::string> details;  ///< the guest's problems, a line each
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// What the user watches the boot by.
enum class Step { vm, kernel, kestrel, services, healthy };
[[nodiscard]] std::string_view name_of(Step step);

// --- events -----------------------------------------------------------------------------------------------
struct StartRequested {};
struct SpawnFailed {
  ExitCode code;
  std::string reason;
};
/// All the console had to say has been delivered before.
struct VmmExited {
  int code = 0;
  int signal = 0;
  std::string last_words;  ///< the last line QEMU wrote to stderr; may be empty
};
struct ConsoleSpoke {};
struct PanicSeen {
  std::string line;
};
struct DriverCameUp {};
struct HelloReceived {};
/// QEMU has stopped the guest's processors, or lets them go on.
struct VmmPaused {};
struct VmmResumed {};
struct ServicesBecameReady {};
struct HealthChanged {
  bool is_healthy;
};
struct ExitingReceived {
  wire::Exiting word;
};
struct StopRequested {
  enum class Urgency { orderly, immediate };
  Urgency urgency = Urgency::orderly;
};
/// The guest's API could not be asked to shut down.
struct PowerOffFailed {
  std::string reason;
};
/// Something on this side cannot go on: the vsock device, or a guest that speaks another protocol.
struct HostFailed {
  std::string reason;
};
struct DeadlinePassed {};
using Event = std::variant<StartRequested, SpawnFailed, VmmExited, ConsoleSpoke, PanicSeen, DriverCameUp,
                           HelloReceived, VmmPaused, VmmResumed, ServicesBecameReady, HealthChanged,
                           ExitingReceived, StopRequested, PowerOffFailed, HostFailed, DeadlinePassed>;

// --- effects ----------------------------------------------------------------------------------------------
struct SpawnVmm {
  bool uses_kvm;
  friend bool operator==(const SpawnVmm&, const SpawnVmm&) = default;
};
struct SendPowerOff {
  friend bool operator==(const SendPowerOff&, const SendPowerOff&) = default;
};
struct NotePaused {
  friend bool operator==(const NotePaused&, const NotePaused&) = default;
};
struct ResumeVmm {
  friend bool operator==(const ResumeVmm&, const ResumeVmm&) = default;
};
/// The guest goes on, or is about to, after so long.
struct TellResumed {
  Duration paused{};
  friend bool operator==(const TellResumed&, const TellResumed&) = default;
};
struct QuitVmm {
  friend bool operator==(const QuitVmm&, const QuitVmm&) = default;
};
struct KillVmm {
  friend bool operator==(const KillVmm&, const KillVmm&) = default;
};
struct AckExiting {
  friend bool operator==(const AckExiting&, const AckExiting&) = default;
};
struct ReportProgress {
  Step step;
  Duration since_start;
  friend bool operator==(const ReportProgress&, const ReportProgress&) = default;
};
/// One line for the user: something is not as usual, and what is done about it.
struct ReportNotice {
  std::string text;
  friend bool operator==(const ReportNotice&, const ReportNotice&) = default;
};
struct Finish {
  Outcome outcome;
  friend bool operator==(const Finish&, const Finish&) = default;
};
using Effect = std::variant<SpawnVmm, SendPowerOff, NotePaused, ResumeVmm, TellResumed, QuitVmm, KillVmm,
                            AckExiting, ReportProgress, ReportNotice, Finish>;
using Effects = std::vector<Effect>;

// --- states -----------------------------------------------------------------------------------------------
struct Idle {};
struct Booting {
  bool uses_kvm = false;
  MonotonicTime deadline;
  bool has_console_spoken = false;
  bool is_driver_up = false;
};
struct FallingBack {};
struct Running {
  enum class Health { unknown, healthy, unhealthy };
  bool is_ready = false;
  Health health = Health::unknown;
  std::optional<MonotonicTime> paused_at;  ///< while it is
};
struct PoweringOff {
  Outcome outcome;
  bool is_reboot = false;
  std::optional<MonotonicTime> deadline;  ///< none once the VMM has been killed
};
struct Panicked {
  std::string line;
  std::optional<MonotonicTime> deadline;  ///< none once the VMM has been killed
};
struct Stopping {
  enum class Phase { asking, quitting, killing };
  Phase phase = Phase::asking;
  std::optional<MonotonicTime> deadline;  ///< none while killing: nothing is stronger
  Outcome outcome;                        ///< unless the guest still has its last word
};
struct Ended {
  Outcome outcome;
};
using State = std::variant<Idle, Booting, FallingBack, Running, PoweringOff, Panicked, Stopping, Ended>;
/// `booting`, `running`, `healthy`, …: the state as `kestrelctl status` shows it.
[[nodiscard]] std::string_view name_of(const State& state);

class VmMachine {
 public:
  explicit VmMachine(VmPolicy policy) : policy_(std::move(policy)) {}

  [[nodiscard]] Effects handle(const Event& event, MonotonicTime now);

  [[nodiscard]] const State& state() const { return state_; }
  /// When DeadlinePassed is due; nullopt: never.
  [[nodiscard]] std::optional<MonotonicTime> deadline() const;

 private:
  void on(const StartRequested& event);
  void on(const SpawnFailed& event);
  void on(const VmmExited& event);
  void on(const ConsoleSpoke& event);
  void on(const PanicSeen& event);
  void on(const DriverCameUp& event);
  void on(const HelloReceived& event);
  void on(const VmmPaused& event);
  void on(const VmmResumed& event);
  void on(const ServicesBecameReady& event);
  void on(const HealthChanged& event);
  void on(const ExitingReceived& event);
  void on(const StopRequested& event);
  void on(const PowerOffFailed& event);
  void on(const HostFailed& event);
  void on(const DeadlinePassed& event);

  void boot(bool uses_kvm);
  void fall_back(std::string_view reason);
  void boot_timed_out(const Booting& booting);
  void stop_orderly();
  void stop_at_once();
  void kill_with(Outcome outcome);
  void quit_with(Outcome outcome);
  void finish(Outcome outcome);
  void report(Step step);

  VmPolicy policy_;
  State state_ = Idle{};
  MonotonicTime started_{};
  bool may_fall_back_ = false;
  // Of the event that is being handled.
  MonotonicTime now_{};
  Effects effects_;
};

}  // namespace kestrel::hostd
