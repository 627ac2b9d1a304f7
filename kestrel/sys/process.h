// Making processes, and learning how they end.
//
// A child between fork and exec runs one function over prepared plain data: no allocation, no logging. Where
// it fails it reports {stage, errno}: right into our memory as long as it shares that (clone.h), else through
// a close-on-exec pipe, whose end of file means that exec succeeded.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/capability.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/limits.h"

namespace kestrel::sys {

/// The number that the first of ProcessSpec::inherited has in the child: the one behind stderr.
inline constexpr int first_inherited = 3;

/// Everything a process is made of, looked up and ready: numbers, not names.
struct ProcessSpec {
  std::string program;            ///< absolute path
  std::vector<std::string> argv;  ///< argv[0] included
  std::vector<std::string> envp;  ///< NAME=VALUE
  std::string working_dir = "/";
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::vector<std::uint32_t> groups;
  std::optional<std::uint32_t> umask;
  ProcessLimits limits;
  /// For the containment that the process is put into; spawn() makes nothing of them.
  SharedLimits shared_limits;
  /// All that it keeps, also as a user who is not root; unset: as the change of user leaves it.
  std::optional<CapabilitySet> capabilities;
  bool has_no_new_privileges = false;
  /// stdin, stdout, stderr of the child; -1 is /dev/null.
  std::array<int, 3> stdio = {-1, -1, -1};
  /// Its stdin is a terminal that becomes the one of its session.
  bool controls_terminal = false;
  /// Descriptors that the child gets besides, as 3, 4, … in this order; where there is -1, it has none of
  /// that number.
  std::vector<int> inherited;
  /// Sent to the child when the thread that started it ends, however it ends (PR_SET_PDEATHSIG); 0: nothing.
  int parent_death_signal = 0;
  /// An open cgroup directory the process is born in (CLONE_INTO_CGROUP); -1: none.
  int cgroup_fd = -1;
};

/// Where between fork and exec a child failed; the names are part of the API (`failed` reasons).
enum class SpawnStage : std::uint8_t {
  session,
  cgroup,
  stdio,
  working_dir,
  limits,
  groups,
  user,
  capabilities,
  exec
};
[[nodiscard]] std::string_view stage_name(SpawnStage stage);

struct SpawnFailure {
  SpawnStage stage;
  int error;  ///< errno
};

/// A child that exists but may not have exec'd yet.
struct Child {
  pid_t pid = -1;
  UniqueFd pidfd;
  /// Readable when the outcome of exec is known; give it to read_exec_outcome(). Closed where it is known
  /// already: then it is `failure`.
  UniqueFd exec_report;
  std::optional<SpawnFailure> failure;
};

/// The child leads a new session and process group; its signal mask is empty and all dispositions are the
/// default. All descriptors but its stdio and `inherited` are closed by close-on-exec.
[[nodiscard]] Result<Child> spawn(const ProcessSpec& spec);

/// Blocks until the outcome is known; nullopt = exec succeeded (or the child died before it could report).
[[nodiscard]] std::optional<SpawnFailure> read_exec_outcome(int exec_report);
[[nodiscard]] std::optional<SpawnFailure> exec_outcome(const Child& child);

/// How a process ended. Exactly one of the two is meaningful: signal == 0 means it exited with `code`.
struct ExitStatus {
  int code = 0;
  int signal = 0;
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

struct Reaped {
  pid_t pid;
  ExitStatus status;
};

/// The one reaper. peek() tells who has ended without freeing its pid, so that signals to the pid or its
/// group still reach nobody else; reap() frees it afterwards.
[[nodiscard]] std::optional<Reaped> peek_ended_child();
void reap(pid_t pid);

/// Orphans of our descendants become our children (PR_SET_CHILD_SUBREAPER); PID 1 has that by nature.
[[nodiscard]] Result<void> become_subreaper();

/// NAME=VALUE, as this process has it.
[[nodiscard]] std::vector<std::string> own_environment();

/// Finds `program` in PATH (of `envp`, else the default) below `root`; unchanged where it has a slash.
[[nodiscard]] Result<std::string> find_program(std::string_view program,
                                               const std::vector<std::string>& envp);

}  // namespace kestrel::sys
