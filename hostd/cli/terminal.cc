#include "hostd/cli/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/output_style.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t longest_queue = 1024 * 1024;
/// A pipe that poll() calls writable takes at least this much without blocking (PIPE_BUF).
constexpr std::size_t piece = 4096;
constexpr Duration retry_time = milliseconds(20);
constexpr int last_wait_ms = 500;

}  // namespace

Terminal::Terminal(loop::Loop& loop, int fd)
    : fd_(fd), style_(sys::output_style_of(fd)), retry_(loop, [this] { flush(); }) {}

Terminal::~Terminal() {
  while (!queue_.empty() && !is_broken_ && is_writable(last_wait_ms)) flush();
}

void Terminal::write(std::string_view text) {
  if (is_broken_) return;
  if (queue_.size() + text.size() > longest_queue) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0) queue_ += concat("… ", dropped_, " pieces of output were dropped: nobody took them\n");
  dropped_ = 0;
  queue_.append(text);
  flush();
}

bool Terminal::is_writable(int wait_ms) const {
  pollfd descriptor{fd_, POLLOUT, 0};
  return ::poll(&descriptor, 1, wait_ms) == 1;
}

void Terminal::flush() {
  std::size_t done = 0;
  while (done < queue_.size() && is_writable(0)) {
    const ssize_t count = ::write(fd_, queue_.data() + done, std::min(piece, queue_.size() - done));
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) break;
    if (count < 0) {
      is_broken_ = true;
      queue_.clear();
      return;
    }
    done += static_cast<std::size_t>(count);
  }
  queue_.erase(0, done);
  if (!queue_.empty()) retry_.arm(retry_time);
}

}  // namespace kestrel::hostd
