// A VM whose VMM is somebody else's: any that offers its guest's vsock as a Unix socket in Firecracker's
// convention (relay_dialer.h). The guest dials its host as ever, arrives here, and is as good as one of
// ours, but for what takes a VMM: it cannot be started, ended by force or paused.
//
// Its runner may come and go. The folder, the records and their numbers go on; a guest that is there dials
// again by itself. It is *waiting* until a guest says hello, and again while one reboots; *present*;
// *leaving* once it has had its last word. A guest that went without one shows by its VMM's socket, where
// nobody answers then.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "hostd/runner/control_server.h"
#include "hostd/runner/guest_request.h"
#include "hostd/runner/guest_session.h"
#include "hostd/runner/relay_dialer.h"
#include "hostd/runner/observer.h"
#include "hostd/runner/publisher.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd {

struct AttachSpec {
  std::string name;
  std::string runtime_dir;
  std::string uds_path;  ///< the VMM's socket; `<uds_path>_1024` is where the guest's link arrives
  GuestIdentity identity;
  std::vector<PublishedPort> ports;
  LogLimits logs;
};

class AttachedVm final : public ControlTarget {
 public:
  AttachedVm(loop::Loop& loop, AttachSpec spec, RuntimeDir dir, RunnerObserver& observer);
  ~AttachedVm() override;

  [[nodiscard]] std::optional<Outcome> prepare();
  /// Lets go of the guest, which goes on.
  void detach();
  /// Once it is over; the loop is stopped then.
  [[nodiscard]] const std::optional<Outcome>& outcome() const { return outcome_; }
  /// After the loop.
  void close();

  [[nodiscard]] std::string status_json() const override;
  [[nodiscard]] const std::string& runtime_id() const override { return guest_.runtime_id(); }
  [[nodiscard]] Result<void> stop(StopRequested::Urgency urgency) override;
  void pause(PauseAnswer answer) override;
  void resume(PauseAnswer answer) override;
  [[nodiscard]] RecordLog& logs() override { return guest_.logs(); }
  [[nodiscard]] RecordLog& events() override { return guest_.events(); }

 private:
  struct Waiting {};
  struct Present {
    bool is_ready = false;
    std::optional<bool> is_healthy;
    bool is_stopping = false;
  };
  struct Leaving {
    Outcome outcome;
  };
  using State = std::variant<Waiting, Present, Leaving>;

  [[nodiscard]] std::string_view state_name() const;
  [[nodiscard]] GuestSessionCallbacks guest_callbacks();
  void take_hello();
  void take_event(const wire::EventMessage& event);
  void take_exiting(const wire::Exiting& word);
  void ask_health();
  void take_health(const Result<wire::Response>& answer);
  void look_for_vmm();
  void finish(Outcome outcome);
  void report(Step step);

  loop::Loop& loop_;
  AttachSpec spec_;
  RuntimeDir dir_;
  RunnerObserver& observer_;
  State state_ = Waiting{};
  std::string boot_id_;
  MonotonicTime began_;
  std::optional<Outcome> outcome_;

  RelayDialer dialer_;
  std::unique_ptr<GuestRequest> request_;
  int health_tries_ = 0;
  loop::Timer health_retry_;
  loop::Timer vmm_check_;
  loop::Timer leaving_limit_;
  GuestSession guest_;
  Publisher publisher_;
  ControlServer control_;
};

/// Serves it until its guest has ended, or SIGINT, SIGTERM or SIGHUP come: then the guest is left alone.
[[nodiscard]] Outcome run_attached(loop::Loop& loop, const AttachSpec& spec, RunnerObserver& observer);

}  // namespace kestrel::hostd
