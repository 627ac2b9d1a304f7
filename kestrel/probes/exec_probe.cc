#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/timer.h"
#include "kestrel/probes/kinds.h"
#include "kestrel/probes/pattern.h"

namespace kestrel::probes {

namespace {

/// As much output is kept; the rest is read and thrown away, so that the program is never blocked by us.
constexpr std::size_t looked_at = 64 * 1024;

class ExecProbing final : public Probing {
 public:
  ExecProbing(loop::Loop& loop, const config::ExecProbe& probe, ProcessLauncher& launcher, Done done)
      : probe_(&probe), done_(std::move(done)), conclusion_(loop, [this] { conclude(); }) {
    auto launched = launcher.launch(probe.command, [this](sys::ExitStatus status) {
      status_ = status;
      conclusion_.arm(Duration::zero());
    });
    if (!launched) {
      failure_ = launched.error().message;
      conclusion_.arm(Duration::zero());
      return;
    }
    process_ = std::move(*launched);
    watcher_ = loop::FdWatcher(loop, process_->output().get(), [this](loop::Interest) {
      if (!read_some()) watcher_ = {};
    });
    watcher_.watch({.readable = true});
  }

 private:
  /// False at the end of the output.
  bool read_some() {
    std::array<char, 16 * 1024> buffer;
    const auto count = ::read(process_->output().get(), buffer.data(), buffer.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    const auto room = looked_at - output_.size();
    output_.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
    return count > 0;
  }

  /// What it had printed when it ended, though nobody read it yet.
  void drain() {
    if (!process_) return;
    std::size_t before = 0;
    do {
      before = output_.size();
    } while (read_some() && output_.size() > before);
  }

  void conclude() {
    drain();
    watcher_ = {};
    const auto done = std::move(done_);
    done(judge());
  }

  [[nodiscard]] ProbeResult judge() const {
    if (!failure_.empty()) return {false, failure_};
    const auto& name = probe_->command.program;
    if (status_.signal != 0) return {false, concat(name, " was killed by ", signal_name(status_.signal))};
    if (status_.code != 0) return {false, concat(name, " exited with ", status_.code, last_words())};
    if (probe_->success_pattern.empty()) return {true, concat(name, " exited with 0")};
    const auto pattern = Pattern::create(probe_->success_pattern);
    if (!pattern) return {false, pattern.error().message};
    if (!pattern->is_in(output_))
      return {false, concat(name, " did not print '", probe_->success_pattern, "'")};
    return {true, concat(name, " printed '", probe_->success_pattern, "'")};
  }

  [[nodiscard]] std::string last_words() const {
    const auto text = trim(output_);
    const auto newline = text.rfind('\n');
    const auto line = newline == std::string_view::npos ? text : text.substr(newline + 1);
    return line.empty() ? std::string() : concat(": ", line.substr(0, 200));
  }

  const config::ExecProbe* probe_;
  Done done_;
  loop::Timer conclusion_;
  std::string output_;
  std::string failure_;
  sys::ExitStatus status_;
  std::unique_ptr<LaunchedProcess> process_;
  loop::FdWatcher watcher_;
};

}  // namespace

std::unique_ptr<Probing> start_exec_probe(loop::Loop& loop, const config::ExecProbe& probe,
                                          ProcessLauncher& launcher, Done done) {
  return std::make_unique<ExecProbing>(loop, probe, launcher, std::move(done));
}

}  // namespace kestrel::probes
