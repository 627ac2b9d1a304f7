#include "kestrel/sys/console.h"

#include <fcntl.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
}  // namespace

Result<void> open_missing_stdio(const std::string& device) {
  for (int fd = 0; fd <= 2; ++fd) {
    if (is_open(fd)) continue;
    // The lowest free descriptor is `fd`, as those below it are open.
    UniqueFd opened(::open(device.c_str(), O_RDWR | O_NOCTTY));
    if (!opened.is_open()) return errno_error(concat("cannot open ", device), errno);
    [[maybe_unused]] const int kept = opened.release();
  }
  return {};
}

}  // namespace kestrel::sys
