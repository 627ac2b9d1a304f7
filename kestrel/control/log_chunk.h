// A piece of one source's log: lines one behind the other in one block of memory. Private to log_ring.cc.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "kestrel/base/time.h"

namespace kestrel::control {

/// What stands in front of each line, relative to its chunk. Packed by copying: lines are not aligned.
struct LineHead {
  std::uint32_t seq_offset = 0;
  std::int32_t ms_offset = 0;
  std::uint16_t length_and_stream = 0;  ///< the top bit is the stream

  static constexpr std::size_t size = 10;
  static constexpr std::uint16_t stream_bit = 0x8000;

  void store(char* to) const {
    std::memcpy(to, &seq_offset, 4);
    std::memcpy(to + 4, &ms_offset, 4);
    std::memcpy(to + 8, &length_and_stream, 2);
  }
  [[nodiscard]] static LineHead load(const char* from) {
    LineHead head;
    std::memcpy(&head.seq_offset, from, 4);
    std::memcpy(&head.ms_offset, from + 4, 4);
    std::memcpy(&head.length_and_stream, from + 8, 2);
    return head;
  }
  [[nodiscard]] std::size_t length() const { return length_and_stream & (stream_bit - 1U); }
};

struct LogChunk {
  std::unique_ptr<char[]> bytes;
  std::uint32_t capacity = 0;
  std::uint32_t used = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t first_ordinal = 0;  ///< how many lines of the source came before
  std::uint32_t count = 0;
  WallTime begin{};   ///< of the first line
  WallTime latest{};  ///< the wall clock may step back, so not always of the last line

  [[nodiscard]] bool has_room(std::size_t length, std::uint64_t seq, WallTime time) const {
    using Offset = std::numeric_limits<std::int32_t>;
    const auto ms = (time - begin).count();
    return used + LineHead::size + length <= capacity &&
           seq - first_seq <= std::numeric_limits<std::uint32_t>::max() && ms >= Offset::min() &&
           ms <= Offset::max();
  }

  void append(std::uint64_t seq, WallTime time, bool is_stderr, std::string_view line) {
    const auto length = static_cast<std::uint16_t>(line.size());
    const LineHead head{
        .seq_offset = static_cast<std::uint32_t>(seq - first_seq),
        .ms_offset = static_cast<std::int32_t>((time - begin).count()),
        .length_and_stream = static_cast<std::uint16_t>(length | (is_stderr ? LineHead::stream_bit : 0U))};
    head.store(bytes.get() + used);
    if (!line.empty()) std::memcpy(bytes.get() + used + LineHead::size, line.data(), line.size());
    used += static_cast<std::uint32_t>(LineHead::size + line.size());
    last_seq = seq;
    ++count;
    if (time > latest) latest = time;
  }
};

}  // namespace kestrel::control
