#include "kestrel/control/output_ring.h"

#include <algorithm>
#include <cstring>

namespace kestrel::control {

std::size_t OutputRing::room(std::uint64_t offset) const {
  return capacity_ - std::min<std::size_t>(capacity_, end_ - std::max(offset, begin_));
}

void OutputRing::append(wire::FrameType stream, std::string_view bytes) {
  if (bytes.empty()) return;
  if (turns_.empty() || turns_.back().stream != stream) turns_.push_back({stream, end_});
  turns_.back().end += bytes.size();
  // Of more than fits only the end is written, where it would have come to lie.
  const auto skipped = bytes.size() - std::min(bytes.size(), capacity_);
  end_ += skipped;
  write(bytes.substr(skipped));
  if (end_ - begin_ > capacity_) drop_until(end_ - capacity_);
  if (turns_.size() > most_turns) drop_until(turns_.front().end);
}

void OutputRing::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto at = static_cast<std::size_t>(end_ % capacity_);
    const auto count = std::min(bytes.size(), capacity_ - at);
    if (bytes_.size() < at + count)
      bytes_.resize(std::min(capacity_, std::max(2 * bytes_.size(), at + count)));
    std::memcpy(bytes_.data() + at, bytes.data(), count);
    bytes.remove_prefix(count);
    end_ += count;
  }
}

void OutputRing::drop_until(std::uint64_t offset) {
  begin_ = offset;
  while (!turns_.empty() && turns_.front().end <= begin_) turns_.pop_front();
}

OutputRing::Piece OutputRing::read(std::uint64_t offset, std::size_t most) const {
  const auto turn = std::upper_bound(turns_.begin(), turns_.end(), offset,
                                     [](std::uint64_t at, const Turn& one) { return at < one.end; });
  if (turn == turns_.end() || offset < begin_) return {};
  const auto at = static_cast<std::size_t>(offset % capacity_);
  const auto count = std::min({static_cast<std::size_t>(turn->end - offset), capacity_ - at, most});
  return {turn->stream, std::string_view(bytes_).substr(at, count)};
}

}  // namespace kestrel::control
