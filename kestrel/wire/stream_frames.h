// kestrel-stream/1: what a connection carries after `Upgrade: kestrel-stream/1`, in both directions.
//
// A frame is `u8 type · u8 flags · u16 0 · u32 length`, big endian, and `length` bytes of payload, 32 KiB at
// most. Data frames carry bytes as they are, all others a JSON object (exec_messages.h) of at most 4 KiB, or
// nothing. What ends is told by frames alone; a connection that just closes is a lost one. Frames of an
// unknown type are skipped: the protocol only grows.
//
// Whoever sends standard input may be ahead of what was granted by no more than stdin_window bytes: `window`
// frames grant more as the program reads. So a program that does not read never keeps signals and signs of
// life from arriving. In the other direction there is no window: who does not read holds up the program.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::wire {

inline constexpr std::string_view stream_protocol = "kestrel-stream/1";

enum class FrameType : std::uint8_t {
  standard_input = 1,   ///< to the guest
  standard_output = 2,  ///< from the guest; of a terminal there is only this
  standard_error = 3,
  end_of_file = 4,  ///< the stream whose frame type stands in the flags says, or takes, no more
  resize = 5,       ///< to the guest: TerminalSize
  signal = 6,       ///< to the guest: a signal's name
  exit = 7,         ///< ExecExit, the last frame
  error = 8,        ///< a message: why the exec is over for this client, the last frame
  keepalive = 9,    ///< in both directions
  gap = 10,         ///< from the guest: output that was dropped before anybody took it
  window = 11,      ///< from the guest: so many more bytes of standard input may be sent
};

inline constexpr std::size_t frame_header_size = 8;
inline constexpr std::size_t longest_payload = 32 * 1024;
/// Of all but data frames.
inline constexpr std::size_t longest_control_payload = 4 * 1024;
/// Granted from the start.
inline constexpr std::size_t stdin_window = 256 * 1024;

[[nodiscard]] constexpr bool is_data(FrameType type) {
  return type == FrameType::standard_input || type == FrameType::standard_output ||
         type == FrameType::standard_error;
}

/// Writes the 8 bytes that stand before a payload of `length` bytes.
void write_frame_header(char* at, FrameType type, std::uint8_t flags, std::size_t length);
/// A whole frame; `payload` is no longer than longest_payload.
[[nodiscard]] std::string encode_frame(FrameType type, std::string_view payload = {}, std::uint8_t flags = 0);

struct Frame {
  FrameType type = FrameType::keepalive;
  std::uint8_t flags = 0;
  std::string_view payload;
};

/// Cuts bytes into frames without copying data: of a data frame come the pieces that lie in the input, all
/// others come whole.
class FrameReader {
 public:
  /// Takes the next frame, or piece of a data frame, from the front of `bytes`; nullopt when all of them are
  /// taken. Its payload is valid until the next call, or until the input is gone. After an error the reader
  /// is dead.
  [[nodiscard]] Result<std::optional<Frame>> next(std::string_view& bytes);

 private:
  [[nodiscard]] Result<bool> take_header(std::string_view& bytes);
  [[nodiscard]] std::optional<Frame> take_payload(std::string_view& bytes);

  std::array<char, frame_header_size> header_{};
  std::size_t header_filled_ = 0;
  Frame frame_;
  bool is_skipped_ = false;
  std::size_t left_ = 0;  ///< of the payload
  std::string control_;   ///< of a frame that comes whole
};

/// Signs of life on one connection: a keepalive every 5 seconds, and when three whole intervals have brought
/// nothing from the peer it is dead. Anything that comes is a sign. Pure; the time is handed in.
class Keepalive {
 public:
  static constexpr Duration interval = seconds(5);
  static constexpr int misses = 3;

  enum class Due { nothing, send, dead };

  explicit Keepalive(MonotonicTime now) : next_(now + interval) {}

  void heard() { missed_ = 0; }
  /// Nothing has come for an interval or more.
  [[nodiscard]] bool is_quiet() const { return missed_ > 0; }
  [[nodiscard]] MonotonicTime deadline() const { return next_; }
  /// What is to be done now. A turn that came late, because this side stood still, counts once.
  [[nodiscard]] Due turn(MonotonicTime now);

 private:
  MonotonicTime next_;
  int missed_ = 0;
};

}  // namespace kestrel::wire
