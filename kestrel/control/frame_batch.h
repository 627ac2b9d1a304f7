// Output on its way from a program to its client: frames right behind each other, ready to be sent as they
// are. One read fills several of them behind the room for their headers, one write sends them; nothing is
// copied in between.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "kestrel/wire/stream_frames.h"

namespace kestrel::control {

class FrameBatch {
 public:
  /// On one processor each batch costs two changes of process: larger ones gain a sixth of the throughput.
  static constexpr std::size_t most_frames = 16;

  /// One read(2) from `fd`, with what that returns. There must be room.
  [[nodiscard]] ssize_t read_from(int fd, wire::FrameType stream);
  /// Copies what fits into one frame, and returns how much that is.
  std::size_t add(wire::FrameType stream, std::string_view bytes);

  /// Room for a frame of some size.
  [[nodiscard]] bool has_room() const { return end_ + wire::frame_header_size < bytes_.size(); }
  [[nodiscard]] bool is_empty() const { return begin_ == end_; }
  [[nodiscard]] std::string_view unsent() const { return {bytes_.data() + begin_, end_ - begin_}; }
  void sent(std::size_t count);

 private:
  static constexpr std::size_t frame_size = wire::frame_header_size + wire::longest_payload;

  void close_frames(wire::FrameType stream, std::size_t payload);

  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::array<char, most_frames * frame_size> bytes_;
};

/// Batches are large and used for moments: one is kept for all execs while there are any, and only where
/// clients are slow there are more.
class BatchPool {
 public:
  [[nodiscard]] std::unique_ptr<FrameBatch> take();
  /// An empty one.
  void give_back(std::unique_ptr<FrameBatch> batch) { spare_ = std::move(batch); }
  void forget_spare() { spare_.reset(); }

 private:
  std::unique_ptr<FrameBatch> spare_;
};

}  // namespace kestrel::control
