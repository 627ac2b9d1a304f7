// Memory in pieces: what a descriptor chain points to, and what readv() and writev() take.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <vector>

namespace kestrel::hostd::vsock {

using Pieces = std::span<const iovec>;

[[nodiscard]] std::size_t total_size(Pieces pieces);

/// The `length` bytes from `offset` on, or as many as there are, into `out` (cleared first; kept by the
/// caller so that no packet costs an allocation).
void slice(Pieces pieces, std::size_t offset, std::size_t length, std::vector<iovec>& out);

/// Copies as much as both sides have; returns how much.
std::size_t gather(Pieces from, std::span<std::byte> to);
std::size_t scatter(std::span<const std::byte> from, Pieces to);

}  // namespace kestrel::hostd::vsock
