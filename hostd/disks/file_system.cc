#include "hostd/disks/file_system.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "kestrel/base/text.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view program = "mkfs.ext4";

/// The PATH of those who are not root often lacks the folders in which it is.
std::vector<std::string> environment() {
  const char* path = std::getenv("PATH");
  return {concat("PATH=", path == nullptr ? "" : path, ":/usr/sbin:/sbin"), "LC_ALL=C"};
}

/// What it says, up to its end. More than some lines would be of no use.
std::string read_all(int fd) {
  std::string text;
  char buffer[1024];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    if (text.size() < sizeof buffer) text.append(buffer, static_cast<std::size_t>(count));
  }
}

int await_status(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return info.si_code == CLD_EXITED ? info.si_status : -1;
}

}  // namespace

Result<std::string> find_file_system_maker() {
  auto found = sys::find_program(program, environment());
  if (found) return found;
  return Error{concat("there is no ", program, ", which e2fsprogs has: apt install e2fsprogs"), ENOENT};
}

Result<void> make_file_system(const std::string& path) {
  const auto cannot = concat("cannot make a file system in ", path);
  sys::ProcessSpec process;
  process.envp = environment();
  const auto found = find_file_system_maker();
  if (!found) return found.error().in(cannot);
  process.program = *found;
  process.argv = {std::string(program), "-q", "-F", path};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot create a pipe", errno);
  const sys::UniqueFd reader(ends[0]);
  sys::UniqueFd writer(ends[1]);
  process.stdio = {-1, -1, writer.get()};

  const auto child = sys::spawn(process);
  if (!child) return child.error().in(cannot);
  writer.reset();
  const auto failure = sys::exec_outcome(*child);
  const std::string words = read_all(reader.get());
  if (await_status(child->pid) == 0) return {};
  if (failure) return errno_error(concat(cannot, ": cannot start ", *found), failure->error);
  const std::string_view said = trim(words);
  return Error{concat(cannot, ": ", program, " failed",
                      said.empty() ? "" : concat(": ", printable(said.substr(said.rfind('\n') + 1))))};
}

}  // namespace kestrel::hostd
