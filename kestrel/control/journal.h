// What happened in the guest, numbered, in bounded memory: the source of the API's events and of the link's.
//
// Numbers start at 1 and skip nothing. A full journal drops the oldest events; a reader behind them is told
// which numbers it missed.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/time.h"
#include "kestrel/control/followers.h"
#include "kestrel/core/notice.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::control {

using EventRecord = wire::EventMessage;

struct EventBatch {
  std::optional<wire::Gap> gap;  ///< comes before the records
  std::vector<EventRecord> records;
};

class EventJournal {
 public:
  struct Limits {
    std::size_t events = 4096;
    Bytes memory = mebibytes(1);
  };
  EventJournal() : EventJournal(Limits{}) {}
  explicit EventJournal(Limits limits) : limits_(limits) {}
  EventJournal(const EventJournal&) = delete;
  EventJournal& operator=(const EventJournal&) = delete;

  /// `service_name` is the name of `notice.service`, empty where there is none. The record lives until the
  /// next append.
  const EventRecord& append(Now now, const core::Notice& notice, std::string_view service_name);
  /// For what the supervisor has no notice of, such as `vm.exiting`. `data` is a JSON object.
  const EventRecord& append(Now now, std::string type, std::string service_name, std::string data);

  /// What comes after number `after`, at most `most` records. The last record's number is where to read on;
  /// where there is none, the gap's.
  [[nodiscard]] EventBatch read(std::uint64_t after, std::size_t most) const;

  [[nodiscard]] std::uint64_t last_seq() const { return last_seq_; }
  /// To be woken when an event is added.
  [[nodiscard]] Followers& followers() { return followers_; }

 private:
  Limits limits_;
  std::deque<EventRecord> records_;  ///< the last one is number `last_seq_`
  std::uint64_t memory_ = 0;
  std::uint64_t last_seq_ = 0;
  Followers followers_;
};

}  // namespace kestrel::control
