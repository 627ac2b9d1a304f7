// All execs of the guest: those that run for a client, and the detached ones until somebody has heard how
// they ended.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/control/exec.h"
#include "kestrel/control/exec_launcher.h"
#include "kestrel/control/frame_batch.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"

namespace kestrel::control {

class ExecBook final : private ExecOwner {
 public:
  static constexpr std::size_t most_execs = 512;
  /// Each may hold a MiB of output. To make room for another the oldest that has ended is forgotten.
  static constexpr std::size_t most_detached = 32;

  /// Both outlive the book.
  ExecBook(loop::Loop& loop, ExecLauncher& launcher);
  ~ExecBook();
  ExecBook(const ExecBook&) = delete;
  ExecBook& operator=(const ExecBook&) = delete;

  /// Starts a program; false: there are too many. `on_outcome` is as Exec's, with the exec's id; where the
  /// program cannot be started the book has forgotten it.
  using Outcome = std::function<void(const std::string& id, const std::optional<wire::ExecFailure>& failure)>;
  [[nodiscard]] bool start(wire::ExecRequest request, Outcome on_outcome);

  /// nullptr: there is none, or not any more.
  [[nodiscard]] Exec* find(std::string_view id) const;
  /// Kills it and forgets it. Its client is told.
  void remove(Exec& exec);
  [[nodiscard]] std::vector<Exec::View> list() const;
  /// Kills and forgets all of them: the guest ends.
  void end_all();

 private:
  void retire(Exec& exec) override;
  void bury(std::shared_ptr<void> corpse) override;
  [[nodiscard]] bool make_room_for_detached();

  loop::Loop* loop_;
  ExecLauncher* launcher_;
  BatchPool pool_;
  std::vector<std::unique_ptr<Exec>> execs_;
  std::vector<std::shared_ptr<void>>
      corpses_;  ///< over, but perhaps still running: gone in the loop's next round
  loop::Timer burial_;
};

}  // namespace kestrel::control
