// Ends of processes, and where programs are. What makes processes is in spawn.cc.
#include "kestrel/sys/process.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/default_path.h"
#include "kestrel/base/text.h"

namespace kestrel::sys {

std::optional<Reaped> peek_ended_child() {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED) return Reaped{info.si_pid, ExitStatus{.code = info.si_status}};
  return Reaped{info.si_pid, ExitStatus{.signal = info.si_status}};
}

void reap(pid_t pid) {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
}

Result<void> become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return errno_error("cannot become a subreaper", errno);
  return {};
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

Result<std::string> find_program(std::string_view program, const std::vector<std::string>& envp) {
  if (program.find('/') != std::string_view::npos) return std::string(program);
  std::string_view path = default_path;
  for (std::string_view entry : envp) {
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  }
  int code = ENOENT;
  for (std::string_view folder : split(path, ':')) {
    // A relative folder, the empty one included, would depend on where the supervisor happens to stand.
    if (program.empty() || !folder.starts_with('/')) continue;
    std::string candidate = concat(folder, '/', program);
    struct stat info {};
    if (::stat(candidate.c_str(), &info) < 0 || !S_ISREG(info.st_mode)) continue;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    code = EACCES;
  }
  const std::string_view cause = code == EACCES ? ": what has that name cannot be executed" : "";
  return Error{concat("cannot find ", program, " in PATH (", path, ")", cause), code};
}

}  // namespace kestrel::sys
