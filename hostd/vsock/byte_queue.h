// Bytes waiting to be written: appended in pieces, taken from the front. An empty queue holds no memory.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "hostd/vsock/scatter.h"

namespace kestrel::hostd::vsock {

class ByteQueue {
 public:
  [[nodiscard]] bool is_empty() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size() - taken_; }
  [[nodiscard]] std::span<const std::byte> front() const { return std::span(bytes_).subspan(taken_); }

  void append(Pieces pieces) {
    drop_taken();
    const std::size_t before = bytes_.size();
    bytes_.resize(before + total_size(pieces));
    gather(pieces, std::span(bytes_).subspan(before));
  }

  /// At most size().
  void take(std::size_t count) {
    taken_ += count;
    if (taken_ == bytes_.size()) clear();
  }

  void clear() {
    bytes_ = {};
    taken_ = 0;
  }

 private:
  /// Moves what is left to the beginning, but only where that is less work than what has been taken was.
  void drop_taken() {
    if (taken_ < bytes_.size() / 2 || taken_ == 0) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }

  std::vector<std::byte> bytes_;
  std::size_t taken_ = 0;
};

}  // namespace kestrel::hostd::vsock
