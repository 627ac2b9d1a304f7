#include "hostd/vsock/scatter.h"

#include <algorithm>
#include <cstring>

namespace kestrel::hostd::vsock {

std::size_t total_size(Pieces pieces) {
  std::size_t total = 0;
  for (const iovec& piece : pieces) total += piece.iov_len;
  return total;
}

void slice(Pieces pieces, std::size_t offset, std::size_t length, std::vector<iovec>& out) {
  out.clear();
  for (const iovec& piece : pieces) {
    if (length == 0) return;
    const std::size_t skipped = std::min(offset, piece.iov_len);
    offset -= skipped;
    const std::size_t kept = std::min(length, piece.iov_len - skipped);
    length -= kept;
    if (kept > 0) out.push_back({static_cast<std::byte*>(piece.iov_base) + skipped, kept});
  }
}

std::size_t gather(Pieces from, std::span<std::byte> to) {
  std::size_t copied = 0;
  for (const iovec& piece : from) {
    const std::size_t length = std::min(piece.iov_len, to.size() - copied);
    if (length > 0) std::memcpy(to.data() + copied, piece.iov_base, length);
    copied += length;
  }
  return copied;
}

std::size_t scatter(std::span<const std::byte> from, Pieces to) {
  std::size_t copied = 0;
  for (const iovec& piece : to) {
    const std::size_t length = std::min(piece.iov_len, from.size() - copied);
    if (length > 0) std::memcpy(piece.iov_base, from.data() + copied, length);
    copied += length;
  }
  return copied;
}

}  // namespace kestrel::hostd::vsock
