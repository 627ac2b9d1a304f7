#include "hostd/link/recorded_boot.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "hostd/records/record_reader.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

std::uint64_t number_in(const json& object, const char* key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_number_unsigned() ? member->get<std::uint64_t>() : 0;
}

std::string text_in(const json& object, const char* key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

/// Up to which of the guest's numbers a record goes; 0: it is none of the guest's.
std::uint64_t guest_seq_of(const json& record) {
  const auto gap = record.find("gap");
  if (gap != record.end() && gap->is_object()) return number_in(*gap, "last");
  return number_in(record, "guest_seq");
}

void for_each_record(const RecordLog& log, const std::function<void(std::uint64_t seq, const json&)>& take) {
  RecordReader reader(log.path(), log.files(), {});
  for (std::string more = reader.read_some(); !more.empty(); more = reader.read_some()) {
    for (const std::string_view line : split(more, '\n')) {
      const std::uint64_t seq = seq_of(line);
      if (seq == 0) continue;
      const json record = json::parse(line, nullptr, false);
      if (record.is_object()) take(seq, record);
    }
  }
}

}  // namespace

RecordedBoot read_recorded_boot(const RecordLog& events, const RecordLog& logs) {
  RecordedBoot boot;
  for_each_record(events, [&](std::uint64_t, const json& record) {
    const std::string type = text_in(record, "type");
    if (type == "vm.linked" && text_in(record, "boot_id") != boot.boot_id)
      boot = {
          .boot_id = text_in(record, "boot_id"), .received = {}, .first_log = number_in(record, "first_log")};
    if (type == "vm.exited") boot.received.exiting = true;
    boot.received.events = std::max(boot.received.events, guest_seq_of(record));
  });
  if (boot.boot_id.empty() || boot.first_log == 0) return {};
  for_each_record(logs, [&](std::uint64_t seq, const json& record) {
    if (seq >= boot.first_log) boot.received.logs = std::max(boot.received.logs, guest_seq_of(record));
  });
  return boot;
}

}  // namespace kestrel::hostd
