// What a detached exec has printed, the last MiB of it, for whoever attaches to it later.
//
// Both of its streams are kept in one order. A byte is known by its offset, which counts all bytes of output
// since the start; so a reader that counts what it got can come back and go on where it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "kestrel/base/bytes.h"
#include "kestrel/wire/stream_frames.h"

namespace kestrel::control {

class OutputRing {
 public:
  /// Streams may take turns this often before the oldest output is dropped for that alone.
  static constexpr std::size_t most_turns = 16 * 1024;

  explicit OutputRing(Bytes capacity = mebibytes(1)) : capacity_(capacity.count) {}

  /// Of the oldest byte that is left, and of the next that comes.
  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  /// How many bytes may come before that at `offset` is dropped.
  [[nodiscard]] std::size_t room(std::uint64_t offset) const;

  void append(wire::FrameType stream, std::string_view bytes);

  struct Piece {
    wire::FrameType stream = wire::FrameType::standard_output;
    std::string_view bytes;  ///< valid until append()
  };
  /// Bytes of one stream from `offset` (in begin() to end()) on, at most `most`; none at the end.
  [[nodiscard]] Piece read(std::uint64_t offset, std::size_t most) const;

 private:
  /// One stream's bytes, from where the turn before ended.
  struct Turn {
    wire::FrameType stream;
    std::uint64_t end;
  };

  void write(std::string_view bytes);
  void drop_until(std::uint64_t offset);

  std::size_t capacity_;
  std::string bytes_;  ///< grows up to the capacity; the byte at `offset` lies at `offset % capacity_`
  std::deque<Turn> turns_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace kestrel::control
