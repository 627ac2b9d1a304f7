#include "kestrel/app/console.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

namespace kestrel::app {

namespace {

constexpr std::size_t enough_queued = 64 * 1024;
constexpr Duration last_moment = seconds(2);

/// Our own open file description of standard error: non-blocking mode set on the inherited one would be seen
/// by everybody who shares it, such as the shell that started us.
sys::UniqueFd reopen_standard_error() {
  struct stat status {};
  if (::fstat(STDERR_FILENO, &status) != 0 || S_ISREG(status.st_mode)) return {};
  return sys::UniqueFd(::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

Console::Console(loop::Loop& loop, std::function<void()> on_room) {
  auto fd = reopen_standard_error();
  if (!fd.is_open()) return;
  const auto on_end = [on_room](const Error*) {
    if (on_room) on_room();
  };
  stream_ = loop::Stream(loop, std::move(fd), {.on_data = {}, .on_end = on_end, .on_drained = on_room});
}

Console::~Console() { stream_.close_after_flush(last_moment); }

void Console::write(std::string text) {
  if (stream_.is_open()) return stream_.write(std::move(text));
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t count = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (count <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

bool Console::has_room() const { return !stream_.is_open() || stream_.queued_bytes() < enough_queued; }

bool Console::is_broken() const { return stream_.is_open() && stream_.is_broken(); }

}  // namespace kestrel::app
