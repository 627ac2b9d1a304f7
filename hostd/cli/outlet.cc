#include "hostd/cli/outlet.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// A pipe that poll() calls writable takes at least this much without blocking (PIPE_BUF).
constexpr std::size_t safe_piece = 4096;

bool is_writable(int fd) {
  pollfd one{fd, POLLOUT, 0};
  return ::poll(&one, 1, 0) == 1;
}

}  // namespace

Outlet::Outlet(int fd) : fd_(fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return;
  const bool is_terminal = ::isatty(fd) == 1;
  if (S_ISREG(info.st_mode) || (S_ISCHR(info.st_mode) && !is_terminal)) {
    kind_ = Kind::file;
  } else if (S_ISSOCK(info.st_mode)) {
    kind_ = Kind::socket;
  } else if (S_ISFIFO(info.st_mode) || is_terminal) {
    own_.reset(::open(concat("/proc/self/fd/", fd).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own_.is_open()) kind_ = Kind::opened_anew;
  }
}

Result<std::size_t> Outlet::write(std::string_view bytes) {
  ssize_t count = 0;
  switch (kind_) {
    case Kind::file:
    case Kind::opened_anew:
      count = ::write(fd(), bytes.data(), bytes.size());
      break;
    case Kind::socket:
      count = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      break;
    case Kind::polled:
      if (!is_writable(fd_)) return std::size_t{0};
      count = ::write(fd_, bytes.data(), std::min(bytes.size(), safe_piece));
      break;
  }
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return errno_error("cannot write the output", errno);
}

}  // namespace kestrel::hostd
