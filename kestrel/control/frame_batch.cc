#include "kestrel/control/frame_batch.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>

namespace kestrel::control {

ssize_t FrameBatch::read_from(int fd, wire::FrameType stream) {
  std::array<iovec, most_frames> slots;
  int count = 0;
  for (auto at = end_ + wire::frame_header_size; at < bytes_.size() && count < static_cast<int>(most_frames);
       at += frame_size) {
    slots[static_cast<std::size_t>(count++)] = {bytes_.data() + at,
                                                std::min(wire::longest_payload, bytes_.size() - at)};
  }
  const ssize_t got = ::readv(fd, slots.data(), count);
  if (got > 0) close_frames(stream, static_cast<std::size_t>(got));
  return got;
}

std::size_t FrameBatch::add(wire::FrameType stream, std::string_view bytes) {
  if (!has_room()) return 0;
  const auto at = end_ + wire::frame_header_size;
  const auto count = std::min({bytes.size(), wire::longest_payload, bytes_.size() - at});
  std::memcpy(bytes_.data() + at, bytes.data(), count);
  close_frames(stream, count);
  return count;
}

/// Writes the headers before `payload` bytes that lie where frames go; all but the last are full.
void FrameBatch::close_frames(wire::FrameType stream, std::size_t payload) {
  while (payload > 0) {
    const auto length = std::min(payload, wire::longest_payload);
    wire::write_frame_header(bytes_.data() + end_, stream, 0, length);
    end_ += wire::frame_header_size + length;
    payload -= length;
  }
}

void FrameBatch::sent(std::size_t count) {
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

std::unique_ptr<FrameBatch> BatchPool::take() {
  // Not value-initialized: it would be filled with zeros.
  return spare_ ? std::move(spare_) : std::unique_ptr<FrameBatch>(new FrameBatch);
}

}  // namespace kestrel::control
