// The lines that all services print, in one numbering, in bounded memory.
//
// Every source (a service, the hooks, Kestrel itself) has a ring of its own, so that a talkative one cannot
// push out what a quiet one said last; the numbers are shared, so that a reader sees one order. Lines lie in
// chunks that grow with use: a source that never printed anything holds none. A full ring gives up its oldest
// chunk, and readers are told the missing numbers. Adding a line is a copy: it never waits for a reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/strong.h"
#include "kestrel/base/time.h"
#include "kestrel/control/followers.h"
#include "kestrel/control/line_cutter.h"

namespace kestrel::control {

enum class LogStream { standard_output, standard_error };
/// As in the API: `stdout`, `stderr`.
[[nodiscard]] std::string_view name_of(LogStream stream);

using LogSource = Strong<struct LogSourceTag, std::uint32_t>;

struct LogRecord {
  std::uint64_t seq = 0;
  WallTime time{};
  LogSource source;
  LogStream stream = LogStream::standard_output;
  std::string_view line;  ///< into the ring: valid until something is added
};
/// Numbers `first` to `last` hold lines that the reader asked for and the ring has dropped.
struct LogGap {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t>
      lines;  ///< how many; among the numbers of one source that may be less, or not known
};
using LogItem = std::variant<LogRecord, LogGap>;

/// A reader's place: everything up to number `after` is behind it.
struct LogCursor {
  std::uint64_t after = 0;
  std::optional<LogSource> only;  ///< one source, else all
  std::optional<std::uint64_t>
      seen;  ///< of `only`: how many lines are behind; unset where that cannot be known
};

struct ReadLimit {
  std::size_t lines = 512;
  std::size_t bytes = 64 * 1024;  ///< reading stops behind the line that exceeds it
};

/// What a full ring does with the oldest lines.
enum class WhenFull {
  drop_oldest,
  keep_untaken,  ///< those that nobody has taken stay, up to a slack for what cannot be held back
};

struct LogChunk;

class LogRing {
 public:
  /// `limit` bounds the memory of all sources together.
  explicit LogRing(Bytes limit);
  ~LogRing();
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  /// Sources are numbered from 0. `limit` bounds the source's memory, but its newest chunk always stays.
  LogSource add_source(std::string name, Bytes limit, WhenFull when_full = WhenFull::drop_oldest);
  /// Other bounds for a source. What is too much for a smaller limit goes when the next line comes.
  void set_bounds(LogSource source, Bytes limit, WhenFull when_full);
  [[nodiscard]] std::size_t source_count() const { return sources_.size(); }
  [[nodiscard]] std::optional<LogSource> find(std::string_view name) const;
  [[nodiscard]] const std::string& name(LogSource source) const { return sources_[source.value].name; }

  /// The line's number, from 1. What exceeds longest_log_line is cut off: cut it into lines before.
  std::uint64_t push(LogSource source, LogStream stream, WallTime time, std::string_view line);

  /// The lines up to number `seq` are taken.
  void take_through(std::uint64_t seq);
  /// False: the source keeps what is not taken, and is full of it. Nothing refuses a line that comes all the
  /// same.
  [[nodiscard]] bool has_room(LogSource source) const;
  [[nodiscard]] WhenFull when_full(LogSource source) const { return sources_[source.value].when_full; }
  [[nodiscard]] Bytes limit(LogSource source) const { return {sources_[source.value].limit}; }

  /// From the oldest line on / what comes after number `after`. (A number from the future waits for it.)
  [[nodiscard]] LogCursor cursor_at(std::uint64_t after, std::optional<LogSource> only = {}) const;
  /// Before the last `lines` lines.
  [[nodiscard]] LogCursor cursor_at_tail(std::uint64_t lines, std::optional<LogSource> only = {}) const;
  /// Before the first line that was printed at or after `time`.
  [[nodiscard]] LogCursor cursor_since(WallTime time, std::optional<LogSource> only = {}) const;

  /// What follows the cursor, which moves behind it. Empty: there is nothing more now.
  [[nodiscard]] std::vector<LogItem> read(LogCursor& cursor, ReadLimit limit) const;

  [[nodiscard]] std::uint64_t last_seq() const { return last_seq_; }
  /// Lines of a source, or of all, that were dropped since the beginning.
  [[nodiscard]] std::uint64_t dropped(std::optional<LogSource> source = {}) const;
  /// Of those, the ones that nobody had taken.
  [[nodiscard]] std::uint64_t dropped_untaken(LogSource source) const {
    return sources_[source.value].dropped_untaken;
  }
  /// Lines that a source ever had.
  [[nodiscard]] std::uint64_t pushed(LogSource source) const { return sources_[source.value].pushed; }
  [[nodiscard]] std::uint64_t pushed_bytes(LogSource source) const {
    return sources_[source.value].pushed_bytes;
  }
  /// Memory held for lines.
  [[nodiscard]] Bytes allocated() const { return {allocated_}; }

  /// To be woken when a line is added.
  [[nodiscard]] Followers& followers() { return followers_; }
  /// To be woken when lines are taken: there may be room again.
  [[nodiscard]] Followers& room() { return room_; }

 private:
  struct Source {
    std::string name;
    std::uint64_t limit = 0;
    WhenFull when_full = WhenFull::drop_oldest;
    std::vector<LogChunk> chunks;
    std::uint64_t allocated = 0;
    std::uint64_t pushed = 0;
    std::uint64_t pushed_bytes = 0;
    std::uint64_t dropped = 0;
    std::uint64_t dropped_untaken = 0;
    std::uint64_t dropped_through = 0;  ///< the highest number that was dropped
  };
  class Merge;

  [[nodiscard]] LogChunk& room_for(Source& source, std::size_t length, std::uint64_t seq, WallTime time);
  void drop_oldest_chunk(Source& source);
  void enforce_limits(Source& newest);
  [[nodiscard]] bool can_drop(const Source& source) const;
  [[nodiscard]] Source* find_largest(const Source& newest, bool spares_untaken);
  [[nodiscard]] std::uint64_t count_after(std::uint64_t seq, std::optional<LogSource> only) const;

  std::vector<Source> sources_;
  std::uint64_t limit_;
  std::uint64_t allocated_ = 0;
  std::uint64_t last_seq_ = 0;
  std::uint64_t taken_ = 0;
  Followers followers_;
  Followers room_;
};

}  // namespace kestrel::control
