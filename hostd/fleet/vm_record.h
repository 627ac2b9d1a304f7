// A VM as hostd remembers it: what was asked for, what that means here, whether it is to run, and how far its
// last run has been followed. Whether it runs is not remembered but found out: its runner is asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hostd/vm_machine.h"
#include "hostd/vm_request.h"
#include "hostd/vm_spec.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// One run of a VM, from its runner's start to its end.
struct RunRecord {
  /// The runner's; empty until the first of its records was taken over.
  std::string runtime_id;
  /// The number of the last of its events that is among hostd's own.
  std::uint64_t seen = 0;
  /// How it ended; nullopt: it has not, as far as is known, or there was none yet.
  std::optional<Outcome> outcome;
  std::optional<WallTime> started;
  std::optional<WallTime> ended;
  /// The runner's process, which to end by force takes both: a pid is used again (proc(5), field 22 of stat).
  int runner_pid = 0;
  std::uint64_t runner_start_ticks = 0;
  friend bool operator==(const RunRecord&, const RunRecord&) = default;
};

/// The replica of a deployment that a VM is.
struct ReplicaOf {
  std::string deployment;  ///< empty: it is on its own
  unsigned revision = 0;
  friend bool operator==(const ReplicaOf&, const ReplicaOf&) = default;
};

struct VmRecord {
  std::string name;
  VmRequest request;
  VmSpec spec;
  ReplicaOf replica;
  WallTime created{};
  /// What its user wants, whatever has become of it.
  bool is_wanted = false;
  RunRecord run;
  friend bool operator==(const VmRecord&, const VmRecord&) = default;
};

}  // namespace kestrel::hostd
