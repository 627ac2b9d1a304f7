#include "kestrel/wire/stream_frames.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "kestrel/base/text.h"

namespace kestrel::wire {
namespace {

/// What a reader makes of `bytes`, fed in pieces of `piece`: data of one stream joined, an error at the end.
std::string read(std::string_view bytes, std::size_t piece) {
  FrameReader reader;
  std::string out;
  FrameType last{};
  while (!bytes.empty()) {
    auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    for (;;) {
      const auto frame = reader.next(part);
      if (!frame) return out + "error";
      if (!*frame) break;
      const bool goes_on = is_data((*frame)->type) && (*frame)->type == last;
      if (!goes_on) out += concat(static_cast<int>((*frame)->type), '/', int{(*frame)->flags}, ':');
      if (goes_on) out.pop_back();
      out += concat((*frame)->payload, ' ');
      last = (*frame)->type;
    }
  }
  return out;
}

std::string header(std::string_view bytes) { return std::string(bytes); }

}  // namespace

TEST_CASE("a frame of kestrel-stream/1 looks as it always did", "[wire]") {
  CHECK(encode_frame(FrameType::standard_output, "hi") == std::string("\x02\0\0\0\0\0\0\x02hi", 10));
  CHECK(encode_frame(FrameType::end_of_file, {}, 1) == std::string("\x04\x01\0\0\0\0\0\0", 8));
  CHECK(encode_frame(FrameType::standard_input, std::string(0x1234, 'x')).substr(0, 8) ==
        std::string("\x01\0\0\0\0\0\x12\x34", 8));
  CHECK(static_cast<int>(FrameType::standard_error) == 3);
  CHECK(static_cast<int>(FrameType::resize) == 5);
  CHECK(static_cast<int>(FrameType::signal) == 6);
  CHECK(static_cast<int>(FrameType::exit) == 7);
  CHECK(static_cast<int>(FrameType::error) == 8);
  CHECK(static_cast<int>(FrameType::keepalive) == 9);
  CHECK(static_cast<int>(FrameType::gap) == 10);
  CHECK(static_cast<int>(FrameType::window) == 11);
}

TEST_CASE("frames are the same however their bytes are cut", "[wire]") {
  const std::string bytes =
      encode_frame(FrameType::standard_output, "some output") + encode_frame(FrameType::keepalive) +
      encode_frame(FrameType::standard_error, "and errors") + encode_frame(FrameType::end_of_file, {}, 3) +
      encode_frame(FrameType::exit, R"({"code":0})");
  const std::string expected = R"(2/0:some output 9/0: 3/0:and errors 4/3: 7/0:{"code":0} )";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    CHECK(read(bytes, piece) == expected);
  }
}

TEST_CASE("a truncated frame is no frame, unless it carries data", "[wire]") {
  const std::string control = encode_frame(FrameType::exit, R"({"code":0})");
  for (std::size_t length = 0; length < control.size(); ++length)
    CHECK(read(control.substr(0, length), 64).empty());
  CHECK(read(encode_frame(FrameType::standard_output, "hello").substr(0, 10), 64) == "2/0:he ");
}

TEST_CASE("frames without data are no pieces of data", "[wire]") {
  CHECK(read(encode_frame(FrameType::standard_input) + encode_frame(FrameType::keepalive), 64) == "9/0: ");
}

TEST_CASE("a frame of an unknown type is skipped", "[wire]") {
  for (const int type : {0, 12, 200}) {
    const auto unknown = encode_frame(static_cast<FrameType>(type), std::string(longest_payload, 'x'));
    CHECK(read(unknown + encode_frame(FrameType::signal, "s"), 1000) == "6/0:s ");
  }
}

TEST_CASE("a data frame may have 32 KiB and no more", "[wire]") {
  const std::string longest(longest_payload, 'x');
  CHECK(read(encode_frame(FrameType::standard_output, longest), 4096) == concat("2/0:", longest, ' '));
  CHECK(read(encode_frame(FrameType::standard_output, longest + 'x'), 4096) == "error");
  CHECK(read(encode_frame(static_cast<FrameType>(99), longest + 'x'), 4096) == "error");
}

TEST_CASE("a control frame may have 4 KiB and no more", "[wire]") {
  const std::string longest(longest_control_payload, 'x');
  CHECK(read(encode_frame(FrameType::error, longest), 100) == concat("8/0:", longest, ' '));
  CHECK(read(encode_frame(FrameType::error, longest + 'x'), 100) == "error");
}

TEST_CASE("hostile headers are errors before anything is stored", "[wire]") {
  CHECK(read(header({"\x02\0\0\0\xff\xff\xff\xff", 8}), 8) == "error");
  CHECK(read(header({"\x02\0\0\0\x80\0\0\0", 8}), 1) == "error");
  CHECK(read(header({"\x02\0\x01\0\0\0\0\0", 8}), 8) == "error");
  CHECK(read(header({"\x02\0\0\x01\0\0\0\0", 8}), 8) == "error");
}

TEST_CASE("random bytes never make a frame longer than allowed", "[wire]") {
  std::mt19937 random(7);  // the same in every run
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(1 + random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % (random() % 2 != 0 ? 256 : 12));
    FrameReader reader;
    std::string_view rest = bytes;
    for (auto frame = reader.next(rest); frame && *frame; frame = reader.next(rest))
      REQUIRE((*frame)->payload.size() <= bytes.size());
  }
}

// --- signs of life ----------------------------------------------------------------------------------------

TEST_CASE("a keepalive is due every five seconds", "[wire]") {
  const MonotonicTime start{seconds(100)};
  Keepalive keepalive(start);
  CHECK(keepalive.deadline() == start + seconds(5));
  CHECK(keepalive.turn(start + milliseconds(4999)) == Keepalive::Due::nothing);
  CHECK(keepalive.turn(start + seconds(5)) == Keepalive::Due::send);
  CHECK(keepalive.deadline() == start + seconds(10));
}

TEST_CASE("a peer that is silent for three whole intervals is dead", "[wire]") {
  const MonotonicTime start{};
  Keepalive keepalive(start);
  CHECK(keepalive.turn(start + seconds(5)) == Keepalive::Due::send);
  CHECK(keepalive.turn(start + seconds(10)) == Keepalive::Due::send);
  CHECK(keepalive.turn(start + seconds(15)) == Keepalive::Due::send);
  CHECK(keepalive.turn(start + seconds(20)) == Keepalive::Due::dead);
}

TEST_CASE("whatever comes keeps a peer alive", "[wire]") {
  MonotonicTime now{};
  Keepalive keepalive(now);
  for (int i = 0; i < 100; ++i) {
    now += seconds(5);
    REQUIRE(keepalive.turn(now) == Keepalive::Due::send);
    if (i % 3 == 2) keepalive.heard();
  }
}

TEST_CASE("a side that stood still for an hour does not take its peer for dead", "[wire]") {
  const MonotonicTime start{};
  Keepalive keepalive(start);
  CHECK(keepalive.turn(start + hours(1)) == Keepalive::Due::send);
  CHECK(keepalive.deadline() == start + hours(1) + seconds(5));
}

}  // namespace kestrel::wire
