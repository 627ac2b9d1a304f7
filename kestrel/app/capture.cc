#include "kestrel/app/capture.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "kestrel/sys/clock.h"

namespace kestrel::app {

namespace {

/// A pipe's default capacity: one read takes all there is.
constexpr std::size_t largest_piece = 64 * 1024;
constexpr std::size_t smallest_piece = 4 * 1024;
/// Of what must not be dropped: with a head for each line it fits the ring's slack, even if all are empty.
constexpr std::size_t piece_to_keep = 16 * 1024;

/// A piece is a part of the ring, so that who reads the ring once a turn misses nothing.
std::size_t piece_for(const control::LogRing& ring, control::LogSource source) {
  if (ring.when_full(source) == control::WhenFull::keep_untaken) return piece_to_keep;
  return std::clamp<std::size_t>(ring.limit(source).count / 4, smallest_piece, largest_piece);
}

}  // namespace

Capture::Capture(loop::Loop& loop, sys::UniqueFd reader, control::LogStream stream, CaptureTarget target)
    : reader_(std::move(reader)),
      stream_(stream),
      target_(std::move(target)),
      piece_(piece_for(*target_.ring, target_.source)),
      watcher_(loop, reader_.get(), [this](loop::Interest) { handle_readable(); }),
      room_(target_.ring->room(), [this] { watcher_.watch({.readable = true}); }) {
  watcher_.watch({.readable = true});
}

Capture::~Capture() {
  if (!reader_.is_open()) return;
  watcher_ = {};
  int waiting = 0;
  ::ioctl(reader_.get(), FIONREAD, &waiting);
  for (auto left = static_cast<std::size_t>(std::max(waiting, 0)); left > 0;) {
    const std::size_t most = std::min(left, largest_piece);
    if (read_piece(most) != ReadResult::more) break;
    left -= most;
  }
  finish();
}

void Capture::adopt_log(LogFile* file) {
  target_.file = file;
  piece_ = piece_for(*target_.ring, target_.source);
}

void Capture::handle_readable() {
  if (!target_.ring->has_room(target_.source)) {
    watcher_.watch({});
    return room_.wait();
  }
  if (read_piece(piece_) != ReadResult::ended) return;
  finish();
  watcher_ = {};
  reader_.reset();
}

Capture::ReadResult Capture::read_piece(std::size_t most) {
  // One buffer for all: nothing in here calls back into another capture.
  static std::array<char, largest_piece> buffer;
  const auto count = ::read(reader_.get(), buffer.data(), most);
  if (count == 0) return ReadResult::ended;
  if (count < 0) return errno == EINTR || errno == EAGAIN ? ReadResult::nothing_now : ReadResult::ended;
  record([&](const auto& take) { cutter_.feed({buffer.data(), static_cast<std::size_t>(count)}, take); });
  return ReadResult::more;
}

/// What has no newline is a line all the same.
void Capture::finish() {
  if (cutter_.pending_bytes() == 0) return;
  record([this](const auto& take) { cutter_.finish(take); });
}

template <typename Cut>
void Capture::record(Cut cut) {
  const auto now = sys::wall_now();
  std::optional<LogFile::Batch> batch;
  if (target_.file) batch.emplace(*target_.file, now, stream_);
  cut([&](std::string_view line) {
    target_.ring->push(target_.source, stream_, now, line);
    if (batch) batch->add(line);
    if (target_.on_line) target_.on_line(line);
  });
}

Result<CapturePipe> open_capture_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return errno_error("cannot create a pipe", errno);
  CapturePipe pipe{sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
  ::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

}  // namespace kestrel::app
