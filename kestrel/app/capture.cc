#include "kestrel/app/capture.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "kestrel/sys/clock.h"

namespace kestrel::app {

namespace {

/// A pipe's default capacity: one read takes all there is.
constexpr std::size_t read_size = 64 * 1024;
/// What a drain takes at most, should somebody go on writing into the pipe.
constexpr int drain_reads = 64;

}  // namespace

Capture::Capture(loop::Loop& loop, sys::UniqueFd reader, control::LogStream stream, CaptureTarget target)
    : reader_(std::move(reader)), stream_(stream), target_(std::move(target)) {
  watcher_ = loop::FdWatcher(loop, reader_.get(), [this](loop::Interest) {
    if (read_some() == ReadResult::ended) watcher_ = {};
  });
  watcher_.watch({.readable = true});
}

Capture::~Capture() {
  if (!reader_.is_open()) return;
  watcher_ = {};
  for (int i = 0; i < drain_reads && read_some() == ReadResult::more; ++i) continue;
  cutter_.finish([this](std::string_view line) { take(line); });
}

Capture::ReadResult Capture::read_some() {
  // One buffer for all: nothing in here calls back into another capture.
  static std::array<char, read_size> buffer;
  const auto count = ::read(reader_.get(), buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR ? ReadResult::more : ReadResult::drained;
  if (count == 0) return ReadResult::ended;
  cutter_.feed({buffer.data(), static_cast<std::size_t>(count)},
               [this](std::string_view line) { take(line); });
  return ReadResult::more;
}

void Capture::take(std::string_view line) {
  target_.ring->push(target_.source, stream_, sys::wall_now(), line);
  if (target_.echo) target_.echo(target_.source, stream_, line);
}

Result<CapturePipe> open_capture_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return errno_error("cannot create a pipe", errno);
  CapturePipe pipe{sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
  ::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

}  // namespace kestrel::app
