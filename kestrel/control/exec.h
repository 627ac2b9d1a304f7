// One exec: a program that runs for a client, and the client's connection while there is one.
//
// It ends in this order. The main process ends; then its output does, which may be later: what it left in
// its pipes is sent whatever happens, and processes that it made and that hold its output open are waited
// for a second, then killed. When nothing is left that could write, and all was read, the exit is told as
// the last frame, and what still runs of the exec is killed.
//
// A plain exec belongs to its client: it starts with it, its output is read only as far as the client takes
// it, and when the client goes all of it is killed. A detached one belongs to the guest: its output goes
// through a ring, clients come and go, one at a time, and only without a client it may lose output.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kestrel/base/time.h"
#include "kestrel/control/exec_input.h"
#include "kestrel/control/exec_launcher.h"
#include "kestrel/control/exec_link.h"
#include "kestrel/control/frame_batch.h"
#include "kestrel/control/output_ring.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/wire/exec_messages.h"

namespace kestrel::control {

class Exec;

/// What an exec needs of whoever keeps it.
class ExecOwner {
 public:
  /// Nobody will ask for it any more. It is still running: it is to be destroyed later.
  virtual void retire(Exec& exec) = 0;
  virtual void bury(std::shared_ptr<void> corpse) = 0;

 protected:
  ~ExecOwner() = default;
};

class Exec {
 public:
  /// What is told of it in lists.
  struct View {
    std::string id;
    const wire::ExecRequest* request = nullptr;
    bool is_attached = false;
    std::uint64_t first_offset = 0;  ///< of the output that is left
    std::uint64_t end_offset = 0;
    std::optional<wire::ExecExit> exit;
  };

  Exec(loop::Loop& loop, BatchPool& pool, ExecOwner& owner, std::string id, wire::ExecRequest request);
  Exec(const Exec&) = delete;
  Exec& operator=(const Exec&) = delete;

  /// `on_outcome` is called once, perhaps from inside: with nothing when the program runs. Where it never
  /// will, the exec is to be retired.
  using Outcome = std::function<void(const std::optional<wire::ExecFailure>&)>;
  void start(ExecLauncher& launcher, Outcome on_outcome);

  /// Takes a client's connection; the one before is told that it was replaced. Of a detached exec the output
  /// from `offset` on follows, of which what is lost is told as a gap.
  void attach(sys::UniqueFd socket, std::string head, std::string_view received, std::uint64_t offset);

  /// It is over, whatever it does; its client is told why.
  void dismiss(std::string_view why);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] bool is_detached() const { return ring_.has_value(); }
  [[nodiscard]] bool has_exited() const { return exit_.has_value(); }
  [[nodiscard]] View view() const;

 private:
  struct Output {
    wire::FrameType stream;
    sys::UniqueFd fd;
    loop::FdWatcher watcher;
  };
  enum class Progress { made, none };

  void conclude_start(const std::optional<wire::ExecFailure>& failure);
  void handle_end(const ExecEnd& end);
  void handle_gone();
  void handle_grace_over();
  void kill();

  void handle_frame(const wire::Frame& frame);
  void take_input(std::string_view bytes);
  void send_signal(int signal);
  void handle_link_over();
  void lose_link();

  void open_output(Output& output, sys::UniqueFd fd);
  void pump(Output& output);
  void pump_all();
  [[nodiscard]] bool can_take_output() const;
  [[nodiscard]] Progress read_output(Output& output);
  [[nodiscard]] ssize_t read_piece(Output& output);
  [[nodiscard]] ssize_t read_into_ring(Output& output);
  void deliver_from_ring();
  void close_output(Output& output);
  void watch_outputs();
  void conclude();

  loop::Loop* loop_;
  BatchPool* pool_;
  ExecOwner* owner_;
  std::string id_;
  wire::ExecRequest request_;
  Outcome on_outcome_;
  std::unique_ptr<LaunchedExec> process_;
  std::optional<ExecInput> input_;
  std::array<Output, 2> outputs_{Output{wire::FrameType::standard_output, {}, {}},
                                 Output{wire::FrameType::standard_error, {}, {}}};
  std::unique_ptr<ExecLink> link_;
  std::optional<OutputRing> ring_;  ///< of a detached one
  std::uint64_t offset_ = 0;        ///< of the ring, up to where the client has been given it
  std::optional<wire::ExecExit> exit_;
  bool is_timed_out_ = false;
  bool is_rest_killed_ = false;     ///< what outlived the main process for too long
  bool can_write_no_more_ = false;  ///< all of its processes are gone, or taken for it
  bool is_exit_told_ = false;       ///< to the client that there is
  loop::Timer timeout_;
  loop::Timer grace_;
};

}  // namespace kestrel::control
