#include "kestrel/app/capture.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "kestrel/base/text.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/file.h"

namespace kestrel::app {
namespace {

using control::LogStream;
using control::WhenFull;

/// A process's pipe, whose writer is the test.
class Bench {
 public:
  explicit Bench(Bytes ring = mebibytes(1), WhenFull when_full = WhenFull::drop_oldest)
      : source(logs.add_source("web", ring, when_full)) {
    auto pipe = open_capture_pipe().value();
    writer = std::move(pipe.writer);
    ::fcntl(writer.get(), F_SETFL, O_NONBLOCK);
    reader_ = std::move(pipe.reader);
  }

  void start(LogFile* file = nullptr) {
    capture.emplace(loop, std::move(reader_), LogStream::standard_output, CaptureTarget{&logs, source, file});
  }

  /// False when the pipe is full.
  bool print(std::string_view text) {
    return ::write(writer.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  template <typename Done>
  void until(Done done) {
    loop::Timer limit(loop, [] { FAIL("waited in vain"); });
    limit.arm(seconds(20));
    while (!done()) loop.run_once();
  }
  void take_turns(int count) {
    loop::Timer soon(loop, [] {});
    for (int i = 0; i < count; ++i) {
      soon.arm(Duration::zero());
      loop.run_once();
    }
  }

  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> out;
    auto cursor = logs.cursor_at(0);
    for (auto items = logs.read(cursor, {}); !items.empty(); items = logs.read(cursor, {})) {
      for (const auto& item : items) {
        const auto* record = std::get_if<control::LogRecord>(&item);
        out.emplace_back(record ? std::string(record->line) : "(gap)");
      }
    }
    return out;
  }

  loop::Loop loop;
  control::LogRing logs{mebibytes(16)};
  control::LogSource source;
  sys::UniqueFd writer;
  std::optional<Capture> capture;

 private:
  sys::UniqueFd reader_;
};

TEST_CASE("what a process prints becomes lines, also without a last newline", "[app]") {
  Bench bench;
  bench.start();
  REQUIRE(bench.print("one\ntwo\n\nthr"));
  bench.until([&] { return bench.logs.last_seq() == 3; });
  REQUIRE(bench.print("ee"));
  bench.writer.reset();
  bench.until([&] { return bench.logs.last_seq() == 4; });
  CHECK(bench.lines() == std::vector<std::string>{"one", "two", "", "three"});
}

TEST_CASE("a line of a megabyte without an end is split", "[app]") {
  Bench bench(mebibytes(4));
  bench.start();
  constexpr std::size_t all = 1024 * 1024;
  const std::string part(4096, 'x');
  for (std::size_t printed = 0; printed < all;) {
    if (bench.print(part)) {
      printed += part.size();
    } else {
      bench.loop.run_once();
    }
  }
  bench.writer.reset();
  bench.until([&] { return bench.logs.last_seq() == all / control::longest_log_line; });
  for (const auto& line : bench.lines()) CHECK(line.size() == control::longest_log_line);
}

TEST_CASE("bytes that are no text go through unchanged", "[app]") {
  Bench bench;
  bench.start();
  const std::string garbage("\0\xff\xfe\x80\x1b[31m\r", 10);
  REQUIRE(bench.print(garbage + '\n'));
  bench.until([&] { return bench.logs.last_seq() == 1; });
  CHECK(bench.lines()[0] == garbage);
}

TEST_CASE("the end of a capture takes what is still in the pipe, and closes it", "[app]") {
  Bench bench;
  bench.start();
  REQUIRE(bench.print("last\nwords"));
  bench.capture.reset();
  CHECK(bench.lines() == std::vector<std::string>{"last", "words"});
  CHECK(!bench.print("to nobody"));
  CHECK(errno == EPIPE);
}

TEST_CASE("the end of a capture does not wait for somebody who goes on writing", "[app]") {
  Bench bench(kibibytes(64));
  bench.start();
  ::fcntl(bench.writer.get(), F_SETFL, 0);
  std::thread writer([&] {
    const std::string line = std::string(99, 'y') + '\n';
    while (::write(bench.writer.get(), line.data(), line.size()) > 0) continue;
  });
  bench.until([&] { return bench.logs.last_seq() > 1000; });
  const auto before = bench.logs.last_seq();
  bench.capture.reset();
  CHECK(bench.logs.last_seq() - before <= 2 * 64 * 1024 / 100);
  writer.join();
}

TEST_CASE("one turn reads no more than a piece, however much there is", "[app]") {
  Bench bench;
  ::fcntl(bench.writer.get(), F_SETPIPE_SZ, 1024 * 1024);
  REQUIRE(bench.print(std::string(512 * 1024, '\n')));
  bench.start();
  int others = 0;
  loop::Timer other(bench.loop, [&] {
    ++others;
    other.arm(Duration::zero());
  });
  other.arm(Duration::zero());
  std::uint64_t most = 0;
  for (std::uint64_t seen = 0; seen < 512 * 1024;) {
    bench.loop.run_once();
    most = std::max(most, bench.logs.last_seq() - seen);
    seen = bench.logs.last_seq();
  }
  CHECK(most <= 64 * 1024);
  CHECK(others >= 1);
}

TEST_CASE("a producer that must not lose lines waits while nobody takes them", "[app]") {
  Bench bench(kibibytes(64), WhenFull::keep_untaken);
  bench.start();
  const std::string line = std::string(99, 'x') + '\n';
  std::uint64_t printed = 0;
  for (int idle = 0; idle < 20;) {
    if (bench.print(line)) {
      ++printed;
      idle = 0;
    } else {
      bench.take_turns(1);
      ++idle;
    }
  }
  // The ring, a piece and the pipe are full.
  CHECK(printed < 2000);
  CHECK(bench.logs.last_seq() < printed);

  bench.logs.take_through(bench.logs.last_seq());
  const auto before = bench.logs.last_seq();
  bench.until([&] { return bench.logs.last_seq() > before; });
  while (bench.logs.last_seq() < printed) {
    bench.logs.take_through(bench.logs.last_seq());
    bench.take_turns(1);
  }
  CHECK(bench.logs.dropped_untaken(bench.source) == 0);
}

TEST_CASE("the end of a producer that waits takes all that it had written", "[app]") {
  Bench bench(kibibytes(64), WhenFull::keep_untaken);
  bench.start();
  const std::string line = std::string(99, 'x') + '\n';
  std::uint64_t printed = 0;
  for (int idle = 0; idle < 20;) {
    if (bench.print(line)) {
      ++printed;
      idle = 0;
    } else {
      bench.take_turns(1);
      ++idle;
    }
  }
  bench.capture.reset();
  CHECK(bench.logs.last_seq() == printed);
  CHECK(bench.logs.dropped() == 0);
}

TEST_CASE("a producer that may lose lines never waits", "[app]") {
  Bench bench(kibibytes(64));
  bench.start();
  const std::string line = std::string(99, 'x') + '\n';
  for (std::uint64_t printed = 0; printed < 20'000;) {
    if (bench.print(line)) {
      ++printed;
    } else {
      bench.loop.run_once();
    }
  }
  bench.until([&] { return bench.logs.last_seq() == 20'000; });
  CHECK(bench.logs.allocated() <= kibibytes(66));
  CHECK(bench.logs.dropped(bench.source) > 0);
}

TEST_CASE("captured lines are in the file and in the ring", "[app]") {
  char folder[] = "/tmp/capture-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string path = concat(folder, "/web.log");
  {
    LogFile file(path, {});
    Bench bench;
    bench.start(&file);
    REQUIRE(bench.print("one\ntw"));
    bench.until([&] { return bench.logs.last_seq() == 1; });
    REQUIRE(bench.print("o\nthree"));
    bench.capture.reset();
    CHECK(bench.lines() == std::vector<std::string>{"one", "two", "three"});
  }
  const auto text = sys::read_file(path).value();
  std::vector<std::string> words;
  for (const auto line : split(text, '\n'))
    if (!line.empty()) words.emplace_back(line.substr(line.rfind(' ') + 1));
  CHECK(words == std::vector<std::string>{"one", "two", "three"});
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kestrel::app
