#include "kestrel/control/log_ring.h"

#include <algorithm>

#include "kestrel/control/log_chunk.h"

namespace kestrel::control {

namespace {

constexpr std::uint64_t smallest_chunk = 512;
constexpr std::uint64_t largest_chunk = 64 * 1024;
/// What a source that keeps its lines may hold beyond its limit: when a process ends, all that still lies in
/// its two pipes comes at once (64 KiB each, and a head for each line).
constexpr std::uint64_t slack = 256 * 1024;

/// Small first, so that a service that says one line costs little; then as large as what there is already,
/// but never so large that dropping one chunk would lose a good part of the ring.
std::uint64_t chunk_size(std::uint64_t allocated, std::uint64_t limit, std::uint64_t needed) {
  const std::uint64_t reasonable = std::clamp(limit / 32, smallest_chunk, largest_chunk);
  return std::max(needed, std::clamp(allocated, smallest_chunk, reasonable));
}

/// Where a line is, or the end of its source.
struct Position {
  const LogChunk* chunk = nullptr;
  const LogChunk* end = nullptr;
  std::uint32_t offset = 0;
  std::uint32_t index = 0;  ///< of the line within its chunk

  [[nodiscard]] bool is_end() const { return chunk == end; }
  [[nodiscard]] LineHead head() const { return LineHead::load(chunk->bytes.get() + offset); }
  [[nodiscard]] std::uint64_t seq() const { return chunk->first_seq + head().seq_offset; }
  [[nodiscard]] std::uint64_t ordinal() const { return chunk->first_ordinal + index; }
  [[nodiscard]] WallTime time() const { return chunk->begin + milliseconds(head().ms_offset); }

  void advance() {
    offset += static_cast<std::uint32_t>(LineHead::size + head().length());
    ++index;
    if (offset < chunk->used) return;
    ++chunk;
    offset = index = 0;
  }
};

/// The first line with a number above `seq`: a binary search for the chunk, a walk inside it.
Position find_after(const std::vector<LogChunk>& chunks, std::uint64_t seq) {
  const LogChunk* begin = chunks.data();
  const LogChunk* end = begin + chunks.size();
  Position position{.chunk = std::partition_point(
                        begin, end, [seq](const LogChunk& chunk) { return chunk.last_seq <= seq; }),
                    .end = end};
  while (!position.is_end() && position.seq() <= seq) position.advance();
  return position;
}

/// The first line printed at or after `time`.
Position find_since(const std::vector<LogChunk>& chunks, WallTime time) {
  const LogChunk* begin = chunks.data();
  const LogChunk* end = begin + chunks.size();
  Position position{
      .chunk = std::find_if(begin, end, [time](const LogChunk& chunk) { return chunk.latest >= time; }),
      .end = end};
  while (!position.is_end() && position.time() < time) position.advance();
  return position;
}

}  // namespace

std::string_view name_of(LogStream stream) {
  return stream == LogStream::standard_output ? "stdout" : "stderr";
}

LogRing::LogRing(Bytes limit) : limit_(limit.count) {}
LogRing::~LogRing() = default;

LogSource LogRing::add_source(std::string name, Bytes limit, WhenFull when_full) {
  Source& source = sources_.emplace_back();
  source.name = std::move(name);
  source.limit = limit.count;
  source.when_full = when_full;
  return {static_cast<std::uint32_t>(sources_.size() - 1)};
}

void LogRing::set_bounds(LogSource source, Bytes limit, WhenFull when_full) {
  sources_[source.value].limit = limit.count;
  sources_[source.value].when_full = when_full;
  room_.wake();
}

std::optional<LogSource> LogRing::find(std::string_view name) const {
  const auto found =
      std::find_if(sources_.begin(), sources_.end(), [name](const Source& s) { return s.name == name; });
  if (found == sources_.end()) return std::nullopt;
  return LogSource{static_cast<std::uint32_t>(found - sources_.begin())};
}

// --- adding ------------------------------------------------------------------------------------------------

std::uint64_t LogRing::push(LogSource to, LogStream stream, WallTime time, std::string_view line) {
  line = line.substr(0, longest_log_line);
  Source& source = sources_[to.value];
  const std::uint64_t seq = ++last_seq_;
  room_for(source, line.size(), seq, time).append(seq, time, stream == LogStream::standard_error, line);
  ++source.pushed;
  source.pushed_bytes += line.size();
  followers_.wake();
  return seq;
}

LogChunk& LogRing::room_for(Source& source, std::size_t length, std::uint64_t seq, WallTime time) {
  if (!source.chunks.empty() && source.chunks.back().has_room(length, seq, time)) return source.chunks.back();
  const std::uint64_t size = chunk_size(source.allocated, source.limit, LineHead::size + length);
  LogChunk& chunk = source.chunks.emplace_back();
  chunk.bytes = std::make_unique_for_overwrite<char[]>(size);
  chunk.capacity = static_cast<std::uint32_t>(size);
  chunk.first_seq = seq;
  chunk.first_ordinal = source.pushed;
  chunk.begin = chunk.latest = time;
  source.allocated += size;
  allocated_ += size;
  enforce_limits(source);
  return source.chunks.back();
}

void LogRing::drop_oldest_chunk(Source& source) {
  const LogChunk& oldest = source.chunks.front();
  if (oldest.last_seq > taken_) {
    const bool is_partly_taken = oldest.first_seq <= taken_;
    source.dropped_untaken += oldest.count - (is_partly_taken ? find_after(source.chunks, taken_).index : 0);
  }
  source.dropped += oldest.count;
  source.dropped_through = oldest.last_seq;
  source.allocated -= oldest.capacity;
  allocated_ -= oldest.capacity;
  source.chunks.erase(source.chunks.begin());
}

/// `newest` has just got the chunk that the line under way goes to; that one stays.
void LogRing::enforce_limits(Source& newest) {
  while (newest.allocated > newest.limit && newest.chunks.size() > 1 && can_drop(newest))
    drop_oldest_chunk(newest);
  while (allocated_ > limit_) {
    Source* largest = find_largest(newest, true);
    if (largest == nullptr) largest = find_largest(newest, false);
    if (largest == nullptr) return;
    drop_oldest_chunk(*largest);
  }
}

bool LogRing::can_drop(const Source& source) const {
  return source.when_full == WhenFull::drop_oldest || source.chunks.front().last_seq <= taken_ ||
         source.allocated > source.limit + slack;
}

/// Whoever holds most gives: the last words of a quiet service are worth more than the thousandth of a loud
/// one.
LogRing::Source* LogRing::find_largest(const Source& newest, bool spares_untaken) {
  Source* largest = nullptr;
  for (Source& source : sources_) {
    if (source.chunks.size() <= (&source == &newest ? 1U : 0U)) continue;
    if (spares_untaken && !can_drop(source)) continue;
    if (largest == nullptr || source.allocated > largest->allocated) largest = &source;
  }
  return largest;
}

// --- taking -----------------------------------------------------------------------------------------------

void LogRing::take_through(std::uint64_t seq) {
  if (seq <= taken_) return;
  taken_ = seq;
  room_.wake();
}

bool LogRing::has_room(LogSource of) const {
  const Source& source = sources_[of.value];
  const bool is_full = source.allocated >= source.limit || allocated_ >= limit_;
  return !is_full || source.chunks.empty() || can_drop(source);
}

// --- places ------------------------------------------------------------------------------------------------

std::uint64_t LogRing::count_after(std::uint64_t seq, std::optional<LogSource> only) const {
  const auto count = [seq](const Source& source) -> std::uint64_t {
    const Position position = find_after(source.chunks, seq);
    return position.is_end() ? 0 : source.pushed - position.ordinal();
  };
  if (only) return count(sources_[only->value]);
  std::uint64_t sum = 0;
  for (const Source& source : sources_) sum += count(source);
  return sum;
}

LogCursor LogRing::cursor_at(std::uint64_t after, std::optional<LogSource> only) const {
  LogCursor cursor{.after = after, .only = only, .seen = {}};
  if (!only) return cursor;
  const Source& source = sources_[only->value];
  if (after == 0) {
    cursor.seen = 0;
  } else if (after >= source.dropped_through) {
    cursor.seen = source.pushed - count_after(after, only);
  }
  return cursor;
}

LogCursor LogRing::cursor_at_tail(std::uint64_t lines, std::optional<LogSource> only) const {
  std::uint64_t low =
      0;  // the highest number with `lines` lines after it, where there are as many, is in [low, high]
  std::uint64_t high = last_seq_;
  while (low < high) {
    const std::uint64_t middle = high - (high - low) / 2;
    if (count_after(middle, only) >= lines) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return cursor_at(low, only);
}

LogCursor LogRing::cursor_since(WallTime time, std::optional<LogSource> only) const {
  std::uint64_t first = last_seq_ + 1;
  for (std::uint32_t i = 0; i < sources_.size(); ++i) {
    if (only && only->value != i) continue;
    const Position position = find_since(sources_[i].chunks, time);
    if (!position.is_end()) first = std::min(first, position.seq());
  }
  return cursor_at(first - 1, only);
}

std::uint64_t LogRing::dropped(std::optional<LogSource> source) const {
  if (source) return sources_[source->value].dropped;
  std::uint64_t sum = 0;
  for (const Source& each : sources_) sum += each.dropped;
  return sum;
}

// --- reading -----------------------------------------------------------------------------------------------

/// The selected sources' lines in the order of their numbers.
class LogRing::Merge {
 public:
  Merge(const LogRing& ring, const LogCursor& cursor) {
    for (std::uint32_t i = 0; i < ring.sources_.size(); ++i) {
      if (cursor.only && cursor.only->value != i) continue;
      const auto& chunks = ring.sources_[i].chunks;
      if (chunks.empty() || chunks.back().last_seq <= cursor.after) continue;
      const Position position = find_after(chunks, cursor.after);
      heap_.push_back({.seq = position.seq(), .source = {i}, .position = position});
    }
    std::make_heap(heap_.begin(), heap_.end(), is_later);
  }

  [[nodiscard]] bool is_empty() const { return heap_.empty(); }
  [[nodiscard]] std::uint64_t next_seq() const { return heap_.front().seq; }
  [[nodiscard]] std::uint64_t next_ordinal() const { return heap_.front().position.ordinal(); }

  LogRecord take() {
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    Entry& entry = heap_.back();
    const LineHead head = entry.position.head();
    const LogRecord record{
        .seq = entry.seq,
        .time = entry.position.time(),
        .source = entry.source,
        .stream = (head.length_and_stream & LineHead::stream_bit) != 0 ? LogStream::standard_error
                                                                       : LogStream::standard_output,
        .line = {entry.position.chunk->bytes.get() + entry.position.offset + LineHead::size, head.length()}};
    entry.position.advance();
    if (entry.position.is_end()) {
      heap_.pop_back();
    } else {
      entry.seq = entry.position.seq();
      std::push_heap(heap_.begin(), heap_.end(), is_later);
    }
    return record;
  }

 private:
  struct Entry {
    std::uint64_t seq = 0;
    LogSource source;
    Position position;
  };
  static bool is_later(const Entry& a, const Entry& b) { return a.seq > b.seq; }

  std::vector<Entry> heap_;
};

std::vector<LogItem> LogRing::read(LogCursor& cursor, ReadLimit limit) const {
  std::vector<LogItem> items;
  // Among one source's lines, other numbers are others' lines; only what it dropped is a gap, always in
  // front.
  if (cursor.only) {
    const Source& source = sources_[cursor.only->value];
    if (source.dropped_through > cursor.after) {
      LogGap gap{.first = cursor.after + 1, .last = source.dropped_through, .lines = {}};
      if (cursor.seen) gap.lines = source.dropped - *cursor.seen;
      items.emplace_back(gap);
      cursor.after = source.dropped_through;
      cursor.seen = source.dropped;
    }
  }
  Merge merge(*this, cursor);
  std::size_t lines = 0;
  for (std::size_t bytes = 0; !merge.is_empty() && lines < limit.lines && bytes < limit.bytes; ++lines) {
    if (!cursor.only && merge.next_seq() > cursor.after + 1) {
      items.emplace_back(LogGap{.first = cursor.after + 1,
                                .last = merge.next_seq() - 1,
                                .lines = merge.next_seq() - 1 - cursor.after});
    }
    if (cursor.only) cursor.seen = merge.next_ordinal() + 1;
    const LogRecord record = merge.take();
    cursor.after = record.seq;
    bytes += record.line.size() + LineHead::size;
    items.emplace_back(record);
  }
  return items;
}

}  // namespace kestrel::control
