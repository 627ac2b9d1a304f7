#include "hostd/tool.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t shown_lines = 20;
constexpr std::size_t kept_output = 64 * 1024;

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> packages = {
    {{"mke2fs", "e2fsprogs"},
     {"debugfs", "e2fsprogs"},
     {"mkfs.erofs", "erofs-utils"},
     {"mksquashfs", "squashfs-tools"},
     {"qemu-img", "qemu-utils"},
     {"buildah", "buildah"},
     {"skopeo", "skopeo"}}};

/// The end of it, where it is long.
std::string read_output(int output) {
  const auto length = static_cast<std::size_t>(std::max<off_t>(0, ::lseek(output, 0, SEEK_END)));
  std::string text(std::min(length, kept_output), '\0');
  const ssize_t count = ::pread(output, text.data(), text.size(), static_cast<off_t>(length - text.size()));
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

std::string last_lines(std::string_view text) {
  const auto lines = split(trim(text), '\n');
  const std::size_t first = lines.size() > shown_lines ? lines.size() - shown_lines : 0;
  std::string shown;
  for (std::size_t i = first; i < lines.size(); ++i) shown += concat("\n  ", lines[i]);
  return shown;
}

Result<int> wait_for(const sys::Child& child, std::optional<Duration> limit) {
  if (limit) {
    pollfd ended{child.pidfd.get(), POLLIN, 0};
    if (::poll(&ended, 1, static_cast<int>(to_ms(*limit))) == 0) ::kill(child.pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0) {
    if (errno != EINTR) return errno_error("cannot wait for a program", errno);
  }
  return status;
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return concat("it was killed by ", signal_name(WTERMSIG(status)));
  return concat("it ended with status ", WEXITSTATUS(status));
}

}  // namespace

Result<std::string> find_tool(const std::string& program) {
  const char* path = std::getenv("PATH");
  auto found = sys::find_program(program, {concat("PATH=", path == nullptr ? "" : path, ":/usr/sbin:/sbin")});
  if (found) return found;
  for (const auto& [name, package] : packages) {
    if (name == program)
      return Error{concat("cannot run ", program, ": it is not installed; apt install ", package), ENOENT};
  }
  return found.error();
}

Result<std::string> run_tool(const Tool& tool) {
  sys::ProcessSpec process;
  process.envp = sys::own_environment();
  const auto program = find_tool(tool.command.front());
  if (!program) return program.error();
  process.envp.insert(process.envp.end(), tool.environment.begin(), tool.environment.end());
  const sys::UniqueFd output(tool.is_shown ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                                           : ::memfd_create("output", MFD_CLOEXEC));
  if (!output.is_open()) return errno_error("cannot keep a program's output", errno);
  process.program = *program;
  process.argv = tool.command;
  process.working_dir = tool.working_dir;
  process.stdio = {-1, output.get(), output.get()};
  process.parent_death_signal = SIGKILL;
  const auto child = sys::spawn(process);
  if (!child) return child.error();
  if (const auto failure = sys::exec_outcome(*child))
    return errno_error(concat("cannot run ", *program), failure->error);
  const auto status = wait_for(*child, tool.limit);
  if (!status) return status.error();
  std::string printed = tool.is_shown ? "" : read_output(output.get());
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return printed;
  return Error{concat("cannot run ", tool.command.front(), ": ", describe(*status),
                      printed.empty() ? "" : last_lines(printed))};
}

}  // namespace kestrel::hostd
