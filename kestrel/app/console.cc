#include "kestrel/app/console.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "kestrel/base/text.h"

namespace kestrel::app {

namespace {

constexpr std::size_t enough_queued = 256 * 1024;

/// Our own open file description of standard error: non-blocking mode set on the inherited one would be seen
/// by everybody who shares it, such as the shell that started us.
sys::UniqueFd reopen_standard_error() {
  struct stat status {};
  if (::fstat(STDERR_FILENO, &status) != 0 || S_ISREG(status.st_mode)) return {};
  return sys::UniqueFd(::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

Console::Console(loop::Loop& loop) {
  auto fd = reopen_standard_error();
  if (fd.is_open()) stream_ = loop::Stream(loop, std::move(fd), {});
}

void Console::write_line(std::string_view line) {
  auto text = concat(line, '\n');
  if (!stream_.is_open()) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    return;
  }
  if (stream_.queued_bytes() > enough_queued) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0)
    text = concat("(", std::exchange(dropped_, 0), " lines dropped: standard error is not read)\n", text);
  stream_.write(std::move(text));
}

}  // namespace kestrel::app
