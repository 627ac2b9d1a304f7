#include "kestrel/control/log_ring.h"

#include <catch2/catch.hpp>
#include <random>

using namespace kestrel;
using namespace kestrel::control;

namespace {

constexpr WallTime epoch{milliseconds(1'700'000'000'000)};

struct Ring {
  LogRing ring{mebibytes(16)};
  LogSource a = ring.add_source("a", kibibytes(64));
  LogSource b = ring.add_source("b", kibibytes(64));

  std::uint64_t push(LogSource source, std::string_view line, WallTime time = epoch) {
    return ring.push(source, LogStream::standard_output, time, line);
  }
};

/// What a reader sees, in words: `a:line`, `gap 1-7`.
std::vector<std::string> read(const LogRing& ring, LogCursor& cursor, ReadLimit limit = {}) {
  std::vector<std::string> seen;
  for (const LogItem& item : ring.read(cursor, limit)) {
    if (const auto* record = std::get_if<LogRecord>(&item)) {
      seen.push_back(ring.name(record->source) + ":" + std::string(record->line));
    } else {
      const auto& gap = std::get<LogGap>(item);
      seen.push_back("gap " + std::to_string(gap.first) + "-" + std::to_string(gap.last));
    }
  }
  return seen;
}

using Seen = std::vector<std::string>;

}  // namespace

TEST_CASE("lines of all sources come in the order of their numbers", "[control]") {
  Ring r;
  CHECK(r.push(r.a, "one") == 1);
  CHECK(r.push(r.b, "two") == 2);
  CHECK(r.push(r.b, "") == 3);
  CHECK(r.push(r.a, "four") == 4);
  LogCursor cursor;
  CHECK(read(r.ring, cursor) == Seen{"a:one", "b:two", "b:", "a:four"});
  CHECK(cursor.after == 4);
  CHECK(read(r.ring, cursor).empty());
  r.push(r.a, "five");
  CHECK(read(r.ring, cursor) == Seen{"a:five"});
}

TEST_CASE("a record keeps its time and stream", "[control]") {
  Ring r;
  r.ring.push(r.a, LogStream::standard_error, epoch + milliseconds(5), "first");
  r.ring.push(r.a, LogStream::standard_output, epoch - hours(3), "after the clock was set back");
  r.ring.push(r.a, LogStream::standard_error, epoch + hours(24 * 365 * 50), "after it was set far forward");
  LogCursor cursor;
  const auto items = r.ring.read(cursor, {});
  REQUIRE(items.size() == 3);
  const auto& first = std::get<LogRecord>(items[0]);
  CHECK((first.stream == LogStream::standard_error && first.time == epoch + milliseconds(5)));
  const auto& second = std::get<LogRecord>(items[1]);
  CHECK((second.stream == LogStream::standard_output && second.time == epoch - hours(3)));
  CHECK(std::get<LogRecord>(items[2]).time == epoch + hours(24 * 365 * 50));
}

TEST_CASE("one source's reader sees only its lines, and no gap where others wrote", "[control]") {
  Ring r;
  for (int i = 0; i < 3; ++i) {
    r.push(r.a, "x");
    r.push(r.b, "y");
  }
  LogCursor cursor = r.ring.cursor_at(0, r.b);
  CHECK(read(r.ring, cursor) == Seen{"b:y", "b:y", "b:y"});
}

TEST_CASE("a read ends at its limits and the next goes on there", "[control]") {
  Ring r;
  for (int i = 0; i < 5; ++i) r.push(r.a, std::to_string(i));
  LogCursor cursor;
  CHECK(read(r.ring, cursor, {.lines = 2, .bytes = 1000}) == Seen{"a:0", "a:1"});
  CHECK(read(r.ring, cursor, {.lines = 10, .bytes = 1}) == Seen{"a:2"});
  CHECK(read(r.ring, cursor) == Seen{"a:3", "a:4"});
}

TEST_CASE("a full ring drops its oldest lines and tells which numbers are missing", "[control]") {
  Ring r;
  const std::string line(1000, 'x');
  for (int i = 0; i < 500; ++i) r.push(r.a, line);
  CHECK(r.ring.allocated() <= kibibytes(64));
  LogCursor cursor;
  const auto items = r.ring.read(cursor, {.lines = 1000, .bytes = 1 << 20});
  const auto& gap = std::get<LogGap>(items.front());
  CHECK(gap.first == 1);
  CHECK(gap.lines == r.ring.dropped());
  CHECK(gap.last == r.ring.dropped(r.a));
  CHECK(items.size() - 1 + r.ring.dropped() == 500);
  CHECK(std::get<LogRecord>(items[1]).seq == gap.last + 1);
  CHECK(items.size() > 50);
}

TEST_CASE("a loud source does not push out what a quiet one said", "[control]") {
  Ring r;
  r.push(r.b, "quiet");
  for (int i = 0; i < 1000; ++i) r.push(r.a, std::string(500, 'x'));
  const auto seq = r.push(r.b, "still here");
  LogCursor cursor;
  const auto seen = read(r.ring, cursor, {.lines = 5000, .bytes = 1 << 24});
  CHECK(seen.front() == "b:quiet");
  CHECK(seen[1] == "gap 2-" + std::to_string(r.ring.dropped(r.a) + 1));
  CHECK(seen.back() == "b:still here");
  CHECK(cursor.after == seq);
}

TEST_CASE("a reader of one source learns how many of its lines it missed", "[control]") {
  Ring r;
  const auto last_seen = r.push(r.a, "seen");
  LogCursor cursor = r.ring.cursor_at(0, r.a);
  CHECK(read(r.ring, cursor) == Seen{"a:seen"});
  LogCursor resumed = r.ring.cursor_at(last_seen, r.a);
  for (int i = 0; i < 400; ++i) {
    r.push(r.a, std::string(800, 'x'));
    r.push(r.b, "other");
  }
  for (LogCursor* place : {&cursor, &resumed}) {
    const auto items = r.ring.read(*place, {.lines = 10'000, .bytes = 1 << 24});
    const auto& gap = std::get<LogGap>(items.front());
    CHECK(gap.first == last_seen + 1);
    REQUIRE(gap.lines);
    CHECK(*gap.lines + items.size() - 1 == 400);
  }
  LogCursor unknown = r.ring.cursor_at(last_seen + 1, r.a);
  CHECK_FALSE(std::get<LogGap>(r.ring.read(unknown, {}).front()).lines);
}

TEST_CASE("the tail is the last lines of the selection", "[control]") {
  Ring r;
  for (int i = 0; i < 100; ++i) r.push(i % 10 == 0 ? r.b : r.a, std::to_string(i));
  LogCursor all = r.ring.cursor_at_tail(3);
  CHECK(read(r.ring, all) == Seen{"a:97", "a:98", "a:99"});
  LogCursor one = r.ring.cursor_at_tail(2, r.b);
  CHECK(read(r.ring, one) == Seen{"b:80", "b:90"});
  LogCursor none = r.ring.cursor_at_tail(0);
  CHECK(read(r.ring, none).empty());
  LogCursor more = r.ring.cursor_at_tail(1'000'000);
  CHECK(read(r.ring, more).size() == 100);
}

TEST_CASE("a reader can begin at a time", "[control]") {
  Ring r;
  for (int i = 0; i < 100; ++i) r.push(i % 2 == 0 ? r.a : r.b, std::to_string(i), epoch + seconds(i));
  LogCursor cursor = r.ring.cursor_since(epoch + milliseconds(96'500));
  CHECK(read(r.ring, cursor) == Seen{"b:97", "a:98", "b:99"});
  LogCursor one = r.ring.cursor_since(epoch + milliseconds(96'500), r.a);
  CHECK(read(r.ring, one) == Seen{"a:98"});
  LogCursor future = r.ring.cursor_since(epoch + hours(1));
  CHECK(read(r.ring, future).empty());
  r.push(r.a, "new");
  CHECK(read(r.ring, future) == Seen{"a:new"});
}

TEST_CASE("a source that never printed costs no memory for lines", "[control]") {
  LogRing ring(mebibytes(1));
  for (int i = 0; i < 1000; ++i) ring.add_source("service-" + std::to_string(i), kibibytes(256));
  CHECK(ring.allocated() == Bytes{0});
  LogCursor cursor;
  CHECK(ring.read(cursor, {}).empty());
}

TEST_CASE("the bound over all sources holds and takes from the loudest", "[control]") {
  LogRing ring(kibibytes(256));
  for (int i = 0; i < 100; ++i) ring.add_source("s" + std::to_string(i), kibibytes(128));
  ring.push({7}, LogStream::standard_output, epoch, "quiet");
  for (int i = 0; i < 20'000; ++i) {
    ring.push({static_cast<std::uint32_t>(8 + i % 5)}, LogStream::standard_output, epoch,
              std::string(100, 'x'));
  }
  CHECK(ring.allocated() <= kibibytes(256));
  CHECK(ring.dropped(LogSource{7}) == 0);
  CHECK(ring.dropped() > 0);
}

TEST_CASE("a source that keeps what is not taken is full until somebody takes it", "[control]") {
  LogRing ring(mebibytes(1));
  const LogSource source = ring.add_source("s", kibibytes(16), WhenFull::keep_untaken);
  const auto fill = [&] {
    while (ring.has_room(source)) ring.push(source, LogStream::standard_output, epoch, "a line");
  };
  fill();
  CHECK(ring.allocated() >= kibibytes(16));
  int woken = 0;
  Follower follower(ring.room(), [&] { ++woken; });
  follower.wait();
  ring.take_through(ring.last_seq());
  CHECK(woken == 1);
  CHECK(ring.has_room(source));
  fill();
  CHECK(ring.dropped_untaken(source) == 0);
  CHECK(ring.dropped(source) > 0);
}

TEST_CASE("a source that keeps what is not taken does so beyond its limit, but not for ever", "[control]") {
  LogRing ring(mebibytes(1));
  const LogSource source = ring.add_source("s", kibibytes(16), WhenFull::keep_untaken);
  const std::string line(100, 'x');
  for (int i = 0; i < 1000; ++i) ring.push(source, LogStream::standard_output, epoch, line);
  CHECK(ring.dropped() == 0);
  for (int i = 0; i < 9000; ++i) ring.push(source, LogStream::standard_output, epoch, line);
  CHECK(ring.dropped_untaken(source) > 0);
  CHECK(ring.allocated() <= kibibytes(16 + 256 + 4));
}

TEST_CASE("what one source must keep is spared where the bound over all is reached", "[control]") {
  LogRing ring(kibibytes(256));
  const LogSource keeping = ring.add_source("keeping", kibibytes(128), WhenFull::keep_untaken);
  const LogSource loud = ring.add_source("loud", mebibytes(1));
  while (ring.has_room(keeping)) ring.push(keeping, LogStream::standard_output, epoch, "precious");
  for (int i = 0; i < 20'000; ++i)
    ring.push(loud, LogStream::standard_output, epoch, std::string(100, 'x'));
  CHECK(ring.allocated() <= kibibytes(256));
  CHECK(ring.dropped(keeping) == 0);
  ring.take_through(ring.last_seq());
  CHECK(ring.has_room(keeping));
}

TEST_CASE("a ring counts the lines that it dropped before anybody had taken them", "[control]") {
  LogRing ring(mebibytes(1));
  const LogSource source = ring.add_source("s", kibibytes(16));
  for (int i = 0; i < 10'000; ++i) {
    ring.push(source, LogStream::standard_output, epoch, "a line of some length");
    if (i == 99) ring.take_through(50);
  }
  LogCursor cursor = ring.cursor_at(0);
  const auto items = ring.read(cursor, {});
  const std::uint64_t missed = std::get<LogGap>(items.front()).last;
  CHECK(ring.dropped(source) == missed);
  CHECK(ring.dropped_untaken(source) == missed - 50);
}

TEST_CASE("the longest line fits the smallest ring", "[control]") {
  LogRing ring(Bytes{1});
  const LogSource source = ring.add_source("s", Bytes{1});
  for (int i = 0; i < 3; ++i) {
    ring.push(source, LogStream::standard_output, epoch,
              std::string(longest_log_line + 5, static_cast<char>('a' + i)));
  }
  LogCursor cursor = ring.cursor_at_tail(1);
  const auto items = ring.read(cursor, {});
  REQUIRE(items.size() == 1);
  CHECK(std::get<LogRecord>(items[0]).line == std::string(longest_log_line, 'c'));
}

TEST_CASE("whatever is pushed, a reader sees every number once, as a line or in a gap", "[control]") {
  std::mt19937 random(3);  // NOLINT: the same sequence every time
  LogRing ring(kibibytes(48));
  for (int i = 0; i < 5; ++i) ring.add_source(std::to_string(i), kibibytes(16));
  LogCursor cursor;
  std::uint64_t expected = 1;
  for (int turn = 0; turn < 500; ++turn) {
    for (auto n = random() % 60; n > 0; --n) {
      ring.push({static_cast<std::uint32_t>(random() % 5)}, LogStream::standard_output, epoch,
                std::string(random() % 300, 'x'));
    }
    for (const LogItem& item : ring.read(cursor, {.lines = random() % 50, .bytes = 4096})) {
      const auto* gap = std::get_if<LogGap>(&item);
      REQUIRE((gap != nullptr ? gap->first : std::get<LogRecord>(item).seq) == expected);
      expected = (gap != nullptr ? gap->last : expected) + 1;
    }
    REQUIRE(ring.allocated() <= kibibytes(48));
  }
}

TEST_CASE("a reader that waits is woken once", "[control]") {
  Ring r;
  int woken = 0;
  Follower follower(r.ring.followers(), [&] { ++woken; });
  r.push(r.a, "nobody waits yet");
  CHECK(woken == 0);
  follower.wait();
  follower.wait();
  r.push(r.a, "x");
  r.push(r.a, "y");
  CHECK(woken == 1);
  follower.wait();
  follower = {};
  r.push(r.a, "z");
  CHECK(woken == 1);
}
