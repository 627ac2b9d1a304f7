#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/cli/run_command.h"
#include "hostd/cli/run_view.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/launch_runner.h"
#include "hostd/runner/pipe_observer.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/file.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

namespace {

/// How far a VM has to come before the command returns.
std::optional<Step> awaited_step(const std::string& wait) {
  if (wait == "started") return Step::kestrel;
  if (wait == "ready") return Step::services;
  if (wait == "healthy") return Step::healthy;
  return std::nullopt;
}

/// Returns where its progress can be read.
Result<sys::UniqueFd> start_runner(const VmSpec& spec) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot create a pipe", errno);
  sys::UniqueFd reader(ends[0]);
  const sys::UniqueFd writer(ends[1]);
  const auto child = launch_runner(spec, writer.get());
  if (!child) return child.error();
  return reader;
}

class Progress {
 public:
  Progress(const VmSpec& spec, const RunOptions& options, Step awaited, Duration limit)
      : spec_(spec), options_(options), awaited_(awaited), deadline_(sys::monotonic_now() + limit) {}

  /// The status to exit with.
  int follow(int fd) {
    wire::LineReader lines;
    char buffer[4096];
    while (true) {
      const auto left = deadline_ - sys::monotonic_now();
      pollfd readable{fd, POLLIN, 0};
      if (left <= Duration::zero() || ::poll(&readable, 1, static_cast<int>(to_ms(left)) + 1) == 0)
        return timed_out();
      const ssize_t count = ::read(fd, buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return runner_died();
      const auto complete = lines.feed({buffer, static_cast<std::size_t>(count)});
      if (!complete) return fail(ExitCode::host_error, complete.error().message);
      for (const std::string& line : *complete) {
        if (const auto status = take(line)) return *status;
      }
    }
  }

 private:
  std::optional<int> take(const std::string& line) {
    const auto message = parse_pipe_message(line);
    if (!message) return std::nullopt;
    if (!message->notice.empty())
      std::fputs(concat("kestrelctl: ", printable(message->notice), '\n').c_str(), stderr);
    if (message->ended) {
      std::fputs(describe_end(spec_.name, *message->ended, message->console).c_str(), stderr);
      return message->ended->status;
    }
    const auto step = parse_step(message->step);
    if (!step) return std::nullopt;
    if (!options_.is_quiet) std::fputs((format_step(*step, message->at) + "\n").c_str(), stderr);
    if (*step < awaited_) return std::nullopt;
    std::puts(spec_.name.c_str());
    return 0;
  }

  int timed_out() const {
    return fail(ExitCode::host_error,
                concat("cannot wait for ", spec_.name, ": it is not ", options_.wait, " after ",
                       options_.wait_timeout, "; it goes on running"),
                concat("kestrelctl status ", spec_.name, ", kestrelctl logs ", spec_.name));
  }

  int runner_died() const {
    const std::string path = concat(spec_.runtime_dir, '/', runner_log_file);
    const auto log = sys::read_file(path, mebibytes(16));
    std::string last;
    if (log) last = printable(trim(std::string_view(*log).substr(trim(*log).rfind('\n') + 1)));
    return fail(ExitCode::host_error, concat("cannot run ", spec_.name, ": its runner died",
                                             last.empty() ? "" : concat(": ", last)));
  }

  const VmSpec& spec_;
  const RunOptions& options_;
  Step awaited_;
  MonotonicTime deadline_;
};

}  // namespace

int run_detached(const VmSpec& spec, const RunOptions& options) {
  const auto awaited = awaited_step(options.wait);
  if (!awaited) {
    return fail(ExitCode::usage,
                concat("cannot wait for `", options.wait, "`: it is none of started, ready, healthy"));
  }
  const auto limit = parse_duration(options.wait_timeout);
  if (!limit) return fail(ExitCode::usage, concat("cannot use --wait-timeout `", options.wait_timeout, "`"));
  // Its folder must be there for runner.log; this also says at once that a name is taken.
  {
    const auto dir = RuntimeDir::claim(spec.runtime_dir);
    if (!dir && dir.error().code == EBUSY) {
      return fail(ExitCode::name_in_use,
                  concat("cannot run ", spec.name, ": a VM of that name is running already"));
    }
    if (!dir) return fail(ExitCode::host_error, concat("cannot run ", spec.name, ": ", dir.error().message));
  }
  const auto progress = start_runner(spec);
  if (!progress)
    return fail(ExitCode::host_error, concat("cannot run ", spec.name, ": ", progress.error().message));
  return Progress(spec, options, *awaited, *limit).follow(progress->get());
}

}  // namespace kestrel::hostd
