#include "kestrel/base/text.h"
#include "kestrel/control/json.h"
#include "kestrel/control/query.h"
#include "kestrel/control/resources.h"
#include "kestrel/sys/clock.h"

namespace kestrel::control {

namespace {

constexpr ReadLimit piece{.lines = 256, .bytes = 32 * 1024};

class LogBody : public BodySource {
 public:
  LogBody(LogRing& ring, LogCursor cursor, bool is_following)
      : ring_(&ring), cursor_(cursor), until_(ring.last_seq()), is_following_(is_following) {}

  State produce(BodyPiece& out) override {
    const std::vector<LogItem> items = ring_->read(cursor_, piece);
    if (items.empty()) return is_following_ ? State::waiting : State::finished;
    for (const LogItem& item : items) {
      if (is_beyond_end(item)) return State::finished;
      append(out.made, item);
    }
    return State::more;
  }
  Followers& followers() override { return ring_->followers(); }

 private:
  /// Without following, the answer ends at what was there when it was asked for, however fast more comes.
  [[nodiscard]] bool is_beyond_end(const LogItem& item) const {
    const auto* record = std::get_if<LogRecord>(&item);
    return !is_following_ && record != nullptr && record->seq > until_;
  }
  void append(std::string& out, const LogItem& item) const {
    if (const auto* record = std::get_if<LogRecord>(&item)) {
      out += log_json(*record, ring_->name(record->source));
    } else {
      const auto& gap = std::get<LogGap>(item);
      out += gap_json(gap.first, gap.last, gap.lines);
    }
    out += '\n';
  }

  LogRing* ring_;
  LogCursor cursor_;
  std::uint64_t until_;
  bool is_following_;
};

wire::Response unknown_source(const LogRing& ring, std::string_view name) {
  std::vector<std::string_view> names;
  for (std::uint32_t i = 0; i < ring.source_count(); ++i) names.emplace_back(ring.name({i}));
  return unknown_name("service", name, names);
}

/// `since` is a time, or how long ago.
Result<LogCursor> cursor_since(const LogRing& ring, std::string_view since, std::optional<LogSource> only) {
  if (const auto time = parse_time(since)) return ring.cursor_since(*time, only);
  const auto elapsed = parse_duration(since);
  if (!elapsed)
    return Error{concat("cannot read since=", printable(since), ": it must be a time or a duration")};
  return ring.cursor_since(sys::wall_now() - std::chrono::duration_cast<milliseconds>(*elapsed), only);
}

/// Where several parameters say where to begin, the latest place counts.
Result<LogCursor> find_begin(const Call& call, const LogRing& ring, std::optional<LogSource> only) {
  const auto after = query_number(call.target, "after");
  if (!after) return after.error();
  if (*after > ring.last_seq()) {
    return Error{concat("after=", **after, " is beyond the last line, ", ring.last_seq(),
                        ": the numbers begin anew with every boot")};
  }
  LogCursor cursor = ring.cursor_at(after->value_or(0), only);
  const auto take_later = [&cursor](const LogCursor& other) {
    if (other.after > cursor.after) cursor = other;
  };
  const auto lines = query_number(call.target, "lines");
  if (!lines) return lines.error();
  if (*lines) take_later(ring.cursor_at_tail(**lines, only));
  if (const auto since = call.target.find("since")) {
    const Result<LogCursor> found = cursor_since(ring, *since, only);
    if (!found) return found.error();
    take_later(*found);
  }
  return cursor;
}

}  // namespace

Answer get_logs(const Call& call) {
  LogRing& ring = call.guest.logs();
  std::optional<LogSource> only;
  if (const auto name = call.target.find("service")) {
    only = ring.find(*name);
    if (!only) return unknown_source(ring, *name);
  }
  const Result<bool> is_following = query_flag(call.target, "follow");
  if (!is_following) return wire::problem(400, is_following.error().message);
  const Result<LogCursor> begin = find_begin(call, ring, only);
  if (!begin) return wire::problem(400, begin.error().message);
  return std::make_unique<LogBody>(ring, *begin, *is_following);
}

}  // namespace kestrel::control
