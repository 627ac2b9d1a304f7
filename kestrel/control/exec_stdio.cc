#include "kestrel/control/exec_stdio.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/sys/pty.h"

namespace kestrel::control {

namespace {

/// What a program can be ahead of us: two batches of frames. Where the user may not have that much, the
/// kernel's own 64 KiB do.
constexpr int output_pipe_size = 1024 * 1024;

Result<void> open_pipe(sys::UniqueFd& reader, sys::UniqueFd& writer) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return errno_error("cannot create a pipe", errno);
  reader.reset(ends[0]);
  writer.reset(ends[1]);
  return {};
}

/// The program shall find its end as any other, so only ours does not block.
void unblock(const sys::UniqueFd& ours) { ::fcntl(ours.get(), F_SETFL, O_NONBLOCK); }

Result<void> open_output(sys::UniqueFd& ours, sys::UniqueFd& child) {
  if (auto opened = open_pipe(ours, child); !opened) return opened;
  ::fcntl(ours.get(), F_SETPIPE_SZ, output_pipe_size);
  unblock(ours);
  return {};
}

Result<ExecStdio> open_terminal(wire::TerminalSize size) {
  auto pty = sys::open_pty();
  if (!pty) return pty.error();
  if (auto sized = sys::set_terminal_size(pty->master.get(), size.rows, size.columns); !sized)
    return sized.error();
  ExecStdio stdio;
  stdio.input.reset(::fcntl(pty->master.get(), F_DUPFD_CLOEXEC, 3));
  if (!stdio.input.is_open()) return errno_error("cannot open a terminal", errno);
  stdio.output = std::move(pty->master);
  stdio.child.input = std::move(pty->slave);
  stdio.child.is_terminal = true;
  return stdio;
}

}  // namespace

Result<ExecStdio> open_exec_stdio(const wire::ExecRequest& request) {
  if (request.has_terminal) return open_terminal(request.size);
  ExecStdio stdio;
  if (request.has_stdin.value_or(true)) {
    if (auto opened = open_pipe(stdio.child.input, stdio.input); !opened) return opened.error();
    unblock(stdio.input);
  }
  if (auto opened = open_output(stdio.output, stdio.child.output); !opened) return opened.error();
  if (auto opened = open_output(stdio.error, stdio.child.error); !opened) return opened.error();
  return stdio;
}

}  // namespace kestrel::control
