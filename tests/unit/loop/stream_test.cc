#include "kestrel/loop/stream.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <optional>

#include "tests/unit/loop/fixtures.h"

using namespace kestrel;
using namespace kestrel::loop;
using namespace kestrel::loop::test;

namespace {

/// A stream over one end of a pair, and a memory of what it told.
struct Told {
  std::string data;
  int ends = 0;
  std::optional<Error> error;
  int drains = 0;

  StreamCallbacks callbacks() {
    return {.on_data = [this](std::string_view bytes) { data += bytes; },
            .on_end =
                [this](const Error* cause) {
                  ++ends;
                  if (cause != nullptr) error = *cause;
                },
            .on_drained = [this] { ++drains; }};
  }
};

/// More than any socket buffer holds.
const std::string big(4 * 1024 * 1024, 'b');

}  // namespace

TEST_CASE("a stream delivers what the peer writes, then its end", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.start_reading();
  REQUIRE(write_text(pair.far, "hello"));
  REQUIRE(run_until(loop, [&] { return told.data == "hello"; }));
  CHECK(told.ends == 0);
  pair.far.reset();
  loop.run();
  CHECK(told.ends == 1);
  CHECK_FALSE(told.error);
}

TEST_CASE("a stream reads from and writes to the ends of a pipe", "[loop]") {
  Loop loop;
  auto pair = pipe_pair();
  Told reader;
  Stream in(loop, std::move(pair.near), reader.callbacks());
  in.start_reading();
  Stream out(loop, std::move(pair.far), {});
  out.write("through a pipe");
  out.close_after_flush();
  loop.run();
  CHECK(reader.data == "through a pipe");
  CHECK(reader.ends == 1);
}

TEST_CASE("a small write goes out at once and queues nothing", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.write("now");
  CHECK(stream.queued_bytes() == 0);
  CHECK(read_available(pair.far) == "now");
  loop.run();
  CHECK(told.drains == 0);
}

TEST_CASE("what a slow reader leaves is queued, in order, and draining is told once", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.write(big);
  stream.write("middle");
  stream.write("end");
  const auto queued = stream.queued_bytes();
  CHECK(queued > 0);
  settle(loop);
  CHECK(told.drains == 0);
  CHECK(stream.queued_bytes() == queued);
  std::string got;
  REQUIRE(run_until(loop, [&] { return got += read_available(pair.far), told.drains == 1; }));
  got += read_available(pair.far);
  CHECK(stream.queued_bytes() == 0);
  CHECK(got == big + "middleend");
}

TEST_CASE("of lent bytes only what a slow reader leaves is kept, and they may change afterwards", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Stream stream(loop, std::move(pair.near), {});
  std::string lent = big;
  stream.write_lent(lent);
  const auto queued = stream.queued_bytes();
  CHECK((queued > 0 && queued < big.size()));
  std::fill(lent.begin(), lent.end(), '?');
  stream.write_lent("behind it");
  std::string got;
  REQUIRE(run_until(loop, [&] { return got += read_available(pair.far), stream.queued_bytes() == 0; }));
  CHECK(got + read_available(pair.far) == big + "behind it");
}

TEST_CASE("no write calls back from inside", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  pair.far.reset();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.write("into nothing");
  CHECK(told.ends == 0);
  loop.run();
  CHECK(told.ends == 1);
  REQUIRE(told.error);
  CHECK(told.error->code == EPIPE);
}

TEST_CASE("after a failed write the queue counts as empty and further writes go nowhere", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.write(big);
  stream.write(big);
  pair.far.reset();
  loop.run();
  CHECK(told.ends == 1);
  CHECK(stream.is_broken());
  CHECK(stream.queued_bytes() == 0);
  stream.write("more");
  CHECK(stream.queued_bytes() == 0);
  loop.run();
  CHECK(told.ends == 1);
}

TEST_CASE("what the peer had sent before a write failed still arrives, then the error", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.start_reading();
  REQUIRE(write_text(pair.far, "last words"));
  pair.far.reset();
  stream.write("too late");
  loop.run();
  CHECK(told.data == "last words");
  CHECK(told.ends == 1);
  REQUIRE(told.error);
  CHECK(told.error->code == EPIPE);
}

TEST_CASE("a stream that broke after the peer's half close tells by draining", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.start_reading();
  ::shutdown(pair.far.get(), SHUT_WR);
  loop.run();
  CHECK(told.ends == 1);
  stream.write(big);
  CHECK_FALSE(stream.is_broken());
  pair.far.reset();
  REQUIRE(run_until(loop, [&] { return told.drains == 1; }));
  CHECK(stream.is_broken());
  CHECK(told.ends == 1);
}

TEST_CASE("a reset by the peer is an end with an error", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.write("never read by the peer, which makes its close a reset");
  pair.far.reset();
  stream.start_reading();
  loop.run();
  CHECK(told.ends == 1);
  REQUIRE(told.error);
  CHECK(told.error->code == ECONNRESET);
}

TEST_CASE("shutdown half-closes behind the queue while reading goes on", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told, peer;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  Stream other(loop, std::move(pair.far), peer.callbacks());
  stream.start_reading();
  stream.write(big);
  stream.shutdown();
  stream.write("ignored");
  other.start_reading();
  REQUIRE(run_until(loop, [&] { return peer.ends == 1; }));
  CHECK(peer.data == big);
  other.write("answer");
  other.shutdown();
  loop.run();
  CHECK(told.data == "answer");
  CHECK(told.ends == 1);
}

TEST_CASE("shutdown with an empty queue half-closes at once", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Stream stream(loop, std::move(pair.near), {});
  stream.shutdown();
  char byte = 0;
  CHECK(::recv(pair.far.get(), &byte, 1, MSG_DONTWAIT) == 0);
}

TEST_CASE("a stream that stops reading is told nothing until it starts again", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.start_reading();
  stream.stop_reading();
  REQUIRE(write_text(pair.far, "patience"));
  pair.far.reset();
  loop.run();
  CHECK(told.data.empty());
  CHECK(told.ends == 0);
  stream.start_reading();
  loop.run();
  CHECK(told.data == "patience");
  CHECK(told.ends == 1);
}

TEST_CASE("a stream may stop reading in the middle of its data", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Stream writer(loop, std::move(pair.far), {});
  std::size_t got = 0;
  int calls = 0;
  Stream stream;
  stream = Stream(loop, std::move(pair.near),
                  {.on_data =
                       [&](std::string_view bytes) {
                         got += bytes.size();
                         if (++calls == 1) stream.stop_reading();
                       },
                   .on_end = {},
                   .on_drained = {}});
  stream.start_reading();
  writer.write(big);
  writer.close_after_flush();
  settle(loop);
  CHECK(calls == 1);
  stream.start_reading();
  loop.run();
  CHECK(got == big.size());
}

TEST_CASE("close_after_flush delivers everything and then closes", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told, peer;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.start_reading();
  stream.write(big);
  stream.write(big);
  stream.close_after_flush();
  CHECK_FALSE(stream.is_open());
  Stream other(loop, std::move(pair.far), peer.callbacks());
  other.start_reading();
  other.write("nobody listens");
  loop.run();
  CHECK(peer.data == big + big);
  CHECK(peer.ends == 1);
  CHECK(told.data.empty());
  CHECK(told.drains == 0);
}

TEST_CASE("close_after_flush gives up at its limit", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Stream stream(loop, std::move(pair.near), {});
  stream.write(big);
  stream.close_after_flush(milliseconds(2));
  loop.run();
  const auto got = read_available(pair.far);
  CHECK(got.size() < big.size());
  char byte = 0;
  CHECK(::recv(pair.far.get(), &byte, 1, MSG_DONTWAIT) == 0);
}

TEST_CASE("close_after_flush to a peer that goes away ends early", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Stream stream(loop, std::move(pair.near), {});
  stream.write(big);
  stream.close_after_flush(hours(1));
  pair.far.reset();
  loop.run();
}

TEST_CASE("a loop that is destroyed lets a flush finish within its limit", "[loop]") {
  auto pair = socket_pair();
  {
    Loop loop;
    Stream stream(loop, std::move(pair.near), {});
    stream.write(big);
    stream.close_after_flush(milliseconds(1));
  }
  read_available(pair.far);
  char byte = 0;
  CHECK(::recv(pair.far.get(), &byte, 1, MSG_DONTWAIT) == 0);
}

TEST_CASE("a destroyed stream says nothing and its peer sees the end", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  REQUIRE(write_text(pair.far, "unheard"));
  Told told;
  {
    Stream stream(loop, std::move(pair.near), told.callbacks());
    stream.start_reading();
    stream.write(big);
  }
  loop.run();
  CHECK(told.data.empty());
  CHECK(told.ends == 0);
  CHECK(told.drains == 0);
}

TEST_CASE("a stream may be destroyed in each of its callbacks", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  std::optional<Stream> stream;
  int calls = 0;
  auto destroy = [&, held = std::make_shared<int>(1)] {
    stream.reset();
    calls += *held;
  };
  SECTION("on_data") {
    stream.emplace(loop, std::move(pair.near),
                   StreamCallbacks{
                       [destroy](std::string_view) { destroy(); }, [](const Error*) { FAIL("called"); }, {}});
    stream->start_reading();
    REQUIRE(write_text(pair.far, "x"));
    pair.far.reset();
  }
  SECTION("on_end") {
    stream.emplace(loop, std::move(pair.near),
                   StreamCallbacks{{}, [destroy](const Error*) { destroy(); }, {}});
    stream->start_reading();
    pair.far.reset();
  }
  SECTION("on_end after a failed write") {
    stream.emplace(loop, std::move(pair.near),
                   StreamCallbacks{{}, [destroy](const Error*) { destroy(); }, {}});
    pair.far.reset();
    stream->write("x");
  }
  SECTION("on_drained") {
    stream.emplace(loop, std::move(pair.near), StreamCallbacks{{}, {}, destroy});
    stream->write(big);
    REQUIRE(run_until(loop, [&] { return read_available(pair.far), calls == 1; }));
  }
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("a stream may write, close gently or be replaced in its callback", "[loop]") {
  Loop loop;
  auto pair = socket_pair(), second = socket_pair();
  Told told;
  Stream stream;
  stream = Stream(loop, std::move(pair.near),
                  {.on_data =
                       [&, held = std::string("bye")](std::string_view) {
                         stream.write(big);
                         stream.close_after_flush();
                         stream = Stream(loop, std::move(second.near), told.callbacks());
                         stream.write(held);
                       },
                   .on_end = {},
                   .on_drained = {}});
  stream.start_reading();
  REQUIRE(write_text(pair.far, "x"));
  std::string got;
  REQUIRE(run_until(loop, [&] { return got += read_available(pair.far), got.size() == big.size(); }));
  CHECK(read_available(second.far) == "bye");
  loop.run();
}

TEST_CASE("a moved stream keeps its queue and its callbacks", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream first(loop, std::move(pair.near), told.callbacks());
  first.write(big);
  Stream second(std::move(first));
  CHECK_FALSE(first.is_open());
  CHECK(second.queued_bytes() > 0);
  REQUIRE(run_until(loop, [&] { return read_available(pair.far), told.drains == 1; }));
}

TEST_CASE("release hands the descriptor back, usable and non-blocking, and stays silent", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream(loop, std::move(pair.near), told.callbacks());
  stream.start_reading();
  sys::UniqueFd back = stream.release();
  CHECK_FALSE(stream.is_open());
  REQUIRE(back.is_open());
  CHECK((::fcntl(back.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(back.get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(write_text(pair.far, "for the new owner"));
  loop.run();
  CHECK(told.data.empty());
  CHECK(read_available(back) == "for the new owner");
  REQUIRE(write_text(back, "and back"));
  CHECK(read_available(pair.far) == "and back");
}

TEST_CASE("a released descriptor can become a stream again, also in the callback", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  Told told;
  Stream stream;
  stream = Stream(loop, std::move(pair.near),
                  {.on_data =
                       [&](std::string_view) {
                         stream = Stream(loop, stream.release(), told.callbacks());
                         stream.start_reading();
                       },
                   .on_end = {},
                   .on_drained = {}});
  stream.start_reading();
  REQUIRE(write_text(pair.far, "first"));
  settle(loop);
  REQUIRE(write_text(pair.far, "second"));
  REQUIRE(run_until(loop, [&] { return told.data == "second"; }));
}

TEST_CASE("streams of one loop share a buffer and do not mix their data", "[loop]") {
  Loop loop;
  auto a = socket_pair(), b = socket_pair();
  Told told_a, told_b;
  Stream first(loop, std::move(a.near), told_a.callbacks()),
      second(loop, std::move(b.near), told_b.callbacks());
  first.start_reading();
  second.start_reading();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(write_text(a.far, "aaaa"));
    REQUIRE(write_text(b.far, "bb"));
    settle(loop);
  }
  CHECK(told_a.data == std::string(400, 'a'));
  CHECK(told_b.data == std::string(200, 'b'));
}

TEST_CASE("a stream of a descriptor that cannot be waited for ends with an error, and is no accident",
          "[loop]") {
  Loop loop;
  for (const char* path : {"/proc/self/exe", "/dev/null"}) {
    Told told;
    Stream stream(loop, sys::UniqueFd(::open(path, O_RDONLY | O_CLOEXEC)), told.callbacks());
    CHECK(stream.fd() == -1);
    stream.start_reading();
    stream.write("x");
    loop.run();
    CHECK(told.ends == 1);
    REQUIRE(told.error);
    CHECK(told.error->code == EPERM);
  }
}

TEST_CASE("a stream over descriptor 0 closes it all the same", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  const sys::UniqueFd before(::fcntl(0, F_DUPFD_CLOEXEC, 3));
  REQUIRE(::dup2(pair.near.get(), 0) == 0);
  pair.near.reset();
  { Stream stream(loop, sys::UniqueFd(0), {}); }
  char byte = 0;
  CHECK(::recv(pair.far.get(), &byte, 1, MSG_DONTWAIT) == 0);
  ::dup2(before.get(), 0);
}
