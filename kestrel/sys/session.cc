#include "kestrel/sys/session.h"

#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include <cstdint>

#include "kestrel/base/text.h"
#include "kestrel/sys/process_tree.h"

namespace kestrel::sys {

SessionScan scan_session(pid_t leader, std::string_view mark) {
  SessionScan scan;
  const bool has_group = ::kill(-leader, 0) == 0;
  if (!is_of_our_namespace()) {
    if (has_group) scan.members.push_back(-leader);
    return scan;
  }
  bool is_leader_all = false;
  for (const ProcessInfo& process : descendants_of(::getpid(), list_processes())) {
    const bool is_of_session = process.session == leader || process.group == leader;
    if (process.is_zombie) {
      if (process.pid == leader) is_leader_all = true;
      if (process.pid != leader && process.group == leader) scan.has_unseen = true;
    } else if (is_of_session || has_environment_entry(process.pid, mark)) {
      scan.members.push_back(process.pid);
    }
  }
  if (has_group && scan.members.empty() && !is_leader_all) scan.has_unseen = true;
  return scan;
}

std::string new_session_mark() {
  static std::uint64_t supervisor = 0;
  static std::uint64_t count = 0;
  if (supervisor == 0) {
    [[maybe_unused]] ssize_t n = ::getrandom(&supervisor, sizeof supervisor, GRND_NONBLOCK);
    supervisor ^= static_cast<std::uint64_t>(::getpid());
  }
  return concat("KESTREL_CONTAINMENT=", supervisor, '-', ++count);
}

}  // namespace kestrel::sys
