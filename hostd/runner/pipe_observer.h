// Tells the progress of a detached VM to whoever started it: lines of JSON on a descriptor, usually a pipe
// that nobody reads any more once the VM is up.
//
//   {"step":"kernel","at_ms":420}   {"notice":"…"}
//   {"ended":{"status":…,"message":…,"details":[…]},"console":[…]}
#pragma once

#include <optional>

#include "hostd/runner/observer.h"

namespace kestrel::hostd {

class PipeObserver final : public RunnerObserver {
 public:
  explicit PipeObserver(int fd) : fd_(fd) {}

  void on_progress(Step step, Duration since_start) override;
  void on_notice(std::string_view text) override;
  void on_event(const wire::EventMessage&) override {}
  void on_log(const wire::LogMessage&) override {}
  void on_lost_logs(std::uint64_t) override {}
  void on_finish(const Outcome& outcome, const std::deque<std::string>& console) override;

 private:
  void write(std::string line);
  int fd_;
};

/// The other end: what one line says.
struct PipeMessage {
  std::string step;
  Duration at{};
  std::string notice;
  std::optional<Outcome> ended;
  std::deque<std::string> console;
};
[[nodiscard]] Result<PipeMessage> parse_pipe_message(std::string_view line);
[[nodiscard]] std::optional<Step> parse_step(std::string_view name);

}  // namespace kestrel::hostd
