#include "hostd/records/record_log.h"

#include <algorithm>
#include <charconv>

#include "hostd/records/record_reader.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {
constexpr std::string_view record_head = "{\"seq\":";

/// What a runner that was killed has left: the number of the last whole record; 0 where there is none.
std::uint64_t recover_last_seq(const std::string& path, LogLimits limits) {
  drop_torn_line(path);
  RecordReader reader(path, limits.files, {});
  std::uint64_t last = 0;
  for (std::string more = reader.read_some(); !more.empty(); more = reader.read_some()) {
    for (const std::string_view line : split(more, '\n')) last = std::max(last, seq_of(line));
  }
  return last;
}
}  // namespace

std::uint64_t seq_of(std::string_view record) {
  if (!record.starts_with(record_head)) return 0;
  record.remove_prefix(record_head.size());
  std::uint64_t seq = 0;
  const auto parsed = std::from_chars(record.data(), record.data() + record.size(), seq);
  return parsed.ec == std::errc() ? seq : 0;
}

Result<RecordLog> RecordLog::open(std::string path, LogLimits limits) {
  const std::uint64_t last_seq = recover_last_seq(path, limits);
  auto file = RotatingFile::open(std::move(path), limits);
  if (!file) return file.error();
  RecordLog log;
  log.last_seq_ = last_seq;
  log.file_ = std::move(*file);
  log.limits_ = limits;
  return log;
}

Result<std::uint64_t> RecordLog::append(std::string_view members) {
  const std::uint64_t seq = ++last_seq_;
  const auto written = file_.append(concat(record_head, seq, ',', members, "}\n"));
  if (!written) return written.error();
  // A listener may forget itself while it is called.
  for (auto listener = listeners_.begin(); listener != listeners_.end();) (listener++)->second();
  return seq;
}

RecordLog::ListenerId RecordLog::listen(std::function<void()> callback) {
  listeners_.emplace(++last_listener_, std::move(callback));
  return last_listener_;
}

void RecordLog::forget(ListenerId id) { listeners_.erase(id); }

}  // namespace kestrel::hostd
