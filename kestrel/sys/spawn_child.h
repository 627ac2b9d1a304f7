// What a child does between its birth and its exec, from plain data that its parent has made ready. Private
// to spawn.cc; process.h is what others use.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "kestrel/sys/clone.h"
#include "kestrel/sys/process.h"

namespace kestrel::sys {

/// What a failing child writes: a SpawnFailure without padding.
using ChildReport = std::array<int, 2>;

/// Everything the child needs, as plain data: it may neither allocate nor touch what it shares with its
/// parent.
struct ChildPlan {
  const char* program;
  char* const* argv;
  char* const* envp;
  const char* working_dir;
  std::array<int, 3> stdio;
  bool controls_terminal;
  const UniqueFd* inherited;  ///< those that are open stand above where they are placed
  int inherited_count;
  int parent_death_signal;
  pid_t parent;
  int cgroup_fd;
  int report_fd;          ///< -1: the failure is left in memory
  SpawnFailure* failure;  ///< the parent's, where memory is shared
  std::uint64_t ignored_signals;
  const std::uint32_t* groups;
  std::size_t group_count;
  bool sets_groups;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::uint32_t> umask;
  std::optional<rlimit> open_files;
  ProcessLimits limits;
  std::optional<CapabilitySet> capabilities;
  bool has_no_new_privileges;
};

/// A ChildMain for a ChildPlan.
void run_child(const void* plan, Birth birth) noexcept;

}  // namespace kestrel::sys
