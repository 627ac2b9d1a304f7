#include "hostd/daemon/process_handle.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

std::uint64_t start_ticks_of(int pid) {
  const auto stat = sys::read_file(concat("/proc/", pid, "/stat"));
  if (!stat) return 0;
  // The second field is the program's name, which may hold anything; what follows it is numbers.
  const auto fields = split(std::string_view(*stat).substr(stat->rfind(')') + 1), ' ');
  constexpr std::size_t start_time = 22 - 2;
  if (fields.size() <= start_time) return 0;
  return static_cast<std::uint64_t>(parse_integer(fields[start_time]).value_or(0));
}

Result<void> kill_process(const ProcessHandle& process) {
  const auto failed = [&](int code) {
    return errno_error(concat("cannot kill process ", process.pid), code);
  };
  if (process.pid <= 1) return failed(ESRCH);
  const sys::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd.is_open()) return failed(errno);
  if (start_ticks_of(process.pid) != process.start_ticks) return failed(ESRCH);
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0) return failed(errno);
  return {};
}

}  // namespace kestrel::hostd
