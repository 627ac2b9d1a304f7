// hostd's events: what the runners record, told of all VMs in one list, with numbers of its own.
//
//   {"seq":17,"time":"…","event":"vm.started","vm":"web","plugin":"static-site","ip":"10.0.0.10",…}
//
// `event` and `plugin` are the names that the users of Volant know. A run's last record, `vm.stopped`,
// becomes `vm.crashed` where nobody had asked for the end and the status is no success. A guest says what it
// likes: what begins with `vm.` or `deployment.` and is not for it to say becomes `guest.vm.…`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hostd/fleet/vm_record.h"

namespace kestrel::hostd {

struct FleetEvent {
  std::string name;
  std::string members;  ///< of the object, without its number and its braces
  /// Of the record that it was made of, for the run's record to go on behind; 0 where there is none.
  std::uint64_t record_seq = 0;
  /// The run is over.
  std::optional<Outcome> outcome;
};

/// `record` is a line of the runner's list, a gap among them; nullopt where it is none. `ip` may be empty,
/// `now` is for what has no time of its own.
[[nodiscard]] std::optional<FleetEvent> event_of_record(std::string_view record, const VmRecord& vm,
                                                        std::string_view ip, WallTime now);
/// The last of a run whose runner could not say so.
[[nodiscard]] FleetEvent event_of_end(const Outcome& outcome, const VmRecord& vm, WallTime now);
/// An event of hostd's own about a VM; `more` is a JSON object.
[[nodiscard]] FleetEvent event_of_vm(std::string_view name, const VmRecord& vm, WallTime now,
                                     std::string_view more = "{}");
/// The same about a deployment.
[[nodiscard]] FleetEvent event_of_deployment(std::string_view name, std::string_view deployment, WallTime now,
                                             std::string_view more = "{}");

/// Whether a run that ended so did not do what was asked of it.
[[nodiscard]] bool has_crashed(const VmRecord& vm, const Outcome& outcome);

}  // namespace kestrel::hostd
