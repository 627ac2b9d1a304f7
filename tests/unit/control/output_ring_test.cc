#include "kestrel/control/output_ring.h"

#include <catch2/catch.hpp>
#include <random>

#include "kestrel/control/frame_batch.h"
#include "kestrel/sys/fd.h"

namespace kestrel::control {
namespace {

using wire::FrameType;
constexpr auto out = FrameType::standard_output;
constexpr auto err = FrameType::standard_error;

/// All from `offset` on, each stream's bytes after its mark.
std::string read_all(const OutputRing& ring, std::uint64_t offset, std::size_t most = 1000) {
  std::string text;
  FrameType last{};
  while (offset < ring.end()) {
    const auto piece = ring.read(offset, most);
    REQUIRE_FALSE(piece.bytes.empty());
    if (piece.stream != last) text += piece.stream == out ? "<" : ">";
    last = piece.stream;
    text += piece.bytes;
    offset += piece.bytes.size();
  }
  return text;
}

}  // namespace

TEST_CASE("output is read back from any offset in its order", "[control]") {
  OutputRing ring(Bytes{64});
  ring.append(out, "hello");
  ring.append(err, "oops");
  ring.append(out, "world");
  CHECK(read_all(ring, 0) == "<hello>oops<world");
  CHECK(read_all(ring, 7, 1) == ">ps<world");
  CHECK(read_all(ring, ring.end()).empty());
}

TEST_CASE("a full ring drops the oldest output", "[control]") {
  OutputRing ring(Bytes{8});
  ring.append(out, "abcdef");
  ring.append(err, "ghij");
  CHECK(ring.begin() == 2);
  CHECK(ring.end() == 10);
  CHECK(read_all(ring, ring.begin()) == "<cdef>ghij");
  ring.append(out, "0123456789");
  CHECK(ring.begin() == 12);
  CHECK(read_all(ring, ring.begin()) == "<23456789");
  CHECK(ring.read(3, 10).bytes.empty());
}

TEST_CASE("room is what may come before the byte at an offset is dropped", "[control]") {
  OutputRing ring(Bytes{8});
  CHECK(ring.room(0) == 8);
  ring.append(out, "abcdef");
  CHECK(ring.room(0) == 2);
  CHECK(ring.room(6) == 8);
  ring.append(out, "ghijkl");
  CHECK(ring.room(ring.begin()) == 0);
  CHECK(ring.room(0) == 0);
}

TEST_CASE("streams that take turns with every byte do not make the ring grow", "[control]") {
  OutputRing ring(mebibytes(1));
  for (std::size_t i = 0; i < 3 * OutputRing::most_turns; ++i) ring.append(i % 2 == 0 ? out : err, "x");
  CHECK(ring.end() == 3 * OutputRing::most_turns);
  CHECK(ring.end() - ring.begin() <= OutputRing::most_turns);
  CHECK(read_all(ring, ring.begin()).size() == 2 * (ring.end() - ring.begin()));
}

TEST_CASE("a ring holds the end of everything that went through it", "[control]") {
  std::mt19937 random(11);  // the same in every run
  OutputRing ring(Bytes{1000});
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    std::string piece(random() % 300, '\0');
    for (char& byte : piece) byte = static_cast<char>('a' + random() % 26);
    all += piece;
    ring.append(out, piece);
    REQUIRE(ring.end() == all.size());
    const std::string left = read_all(ring, ring.begin(), 1 + random() % 400);
    const std::string expected = all.substr(ring.begin());
    REQUIRE((expected.empty() ? left.empty() : left == "<" + expected));
    REQUIRE(expected.size() == std::min<std::size_t>(all.size(), 1000));
  }
}

// --- batches ----------------------------------------------------------------------------------------------

namespace {

/// A pipe that holds `bytes`.
sys::UniqueFd pipe_with(std::string_view bytes) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  ::close(ends[1]);
  return sys::UniqueFd(ends[0]);
}

}  // namespace

TEST_CASE("one read makes frames that lie right behind each other", "[control]") {
  const std::string bytes = std::string(wire::longest_payload, 'a') + "rest";
  const auto pipe = pipe_with(bytes);
  FrameBatch batch;
  CHECK(batch.read_from(pipe.get(), out) == static_cast<ssize_t>(bytes.size()));
  CHECK(batch.unsent() ==
        wire::encode_frame(out, std::string(wire::longest_payload, 'a')) + wire::encode_frame(out, "rest"));
  CHECK(batch.read_from(pipe.get(), out) == 0);
}

TEST_CASE("a second read goes behind the first, up to what there is room for", "[control]") {
  FrameBatch batch;
  batch.add(err, "first");
  const std::string bytes(60'000, 'b');
  const auto pipe = pipe_with(bytes);
  CHECK(batch.read_from(pipe.get(), out) == 60'000);
  CHECK(batch.unsent() == wire::encode_frame(err, "first") +
                              wire::encode_frame(out, bytes.substr(0, wire::longest_payload)) +
                              wire::encode_frame(out, bytes.substr(wire::longest_payload)));
  while (batch.has_room()) CHECK(batch.add(out, bytes) > 0);
  CHECK(batch.add(out, bytes) == 0);
}

TEST_CASE("a batch that is all sent is empty again", "[control]") {
  FrameBatch batch;
  batch.add(out, "hello");
  batch.sent(3);
  CHECK_FALSE(batch.is_empty());
  CHECK(batch.unsent() == wire::encode_frame(out, "hello").substr(3));
  batch.sent(batch.unsent().size());
  CHECK(batch.is_empty());
}

}  // namespace kestrel::control
