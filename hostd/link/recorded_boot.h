// What the records say of the guest's boot that they were about last: a runner that takes a guest over from
// one that was killed knows from them what need not be recorded again.
#pragma once

#include <string>

#include "hostd/records/record_log.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

struct RecordedBoot {
  std::string boot_id;          ///< empty: no boot is recorded
  wire::Ack received;           ///< its highest numbers; `exiting`: its last word is there
  std::uint64_t first_log = 0;  ///< the record, of log lines, that its lines begin with
};

/// Two passes over files that are bounded.
[[nodiscard]] RecordedBoot read_recorded_boot(const RecordLog& events, const RecordLog& logs);

}  // namespace kestrel::hostd
