#include "kestrel/control/journal.h"

#include <algorithm>
#include <utility>

#include "kestrel/control/json.h"

namespace kestrel::control {

namespace {

std::uint64_t memory_of(const EventRecord& record) {
  return sizeof(EventRecord) + record.type.size() + record.service.size() + record.data.size();
}

}  // namespace

const EventRecord& EventJournal::append(Now now, const core::Notice& notice, std::string_view service_name) {
  return append(now, std::string(core::type_name(notice.type)), std::string(service_name),
                event_data_json(notice));
}

const EventRecord& EventJournal::append(Now now, std::string type, std::string service_name,
                                        std::string data) {
  records_.push_back({.seq = ++last_seq_,
                      .time = now.wall,
                      .mono_ms = to_ms(now.monotonic),
                      .type = std::move(type),
                      .service = std::move(service_name),
                      .data = std::move(data)});
  memory_ += memory_of(records_.back());
  while (records_.size() > 1 && (records_.size() > limits_.events || memory_ > limits_.memory.count)) {
    memory_ -= memory_of(records_.front());
    records_.pop_front();
  }
  followers_.wake();
  return records_.back();
}

EventBatch EventJournal::read(std::uint64_t after, std::size_t most) const {
  EventBatch batch;
  const std::uint64_t dropped_through = last_seq_ - records_.size();
  if (after < dropped_through) {
    batch.gap = wire::Gap{.of = wire::Gap::Of::events, .first = after + 1, .last = dropped_through};
    after = dropped_through;
  }
  const auto available = static_cast<std::size_t>(last_seq_ - std::min(after, last_seq_));
  const auto first = records_.end() - static_cast<std::ptrdiff_t>(available);
  batch.records.assign(first, first + static_cast<std::ptrdiff_t>(std::min(available, most)));
  return batch;
}

}  // namespace kestrel::control
