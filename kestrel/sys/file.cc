#include "kestrel/sys/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

Result<std::string> read_file(const std::string& path, Bytes limit) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_error(concat("cannot open ", path), errno);
  std::string text;
  std::array<char, 4096> chunk;
  for (;;) {
    ssize_t n = ::read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(concat("cannot read ", path), errno);
    if (n == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(n));
    if (text.size() > limit.count) {
      return Error{concat("cannot read ", path, ": it is larger than ", format_bytes(limit)), EFBIG};
    }
  }
}

Result<void> write_file(const std::string& path, std::string_view text) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_error(concat("cannot open ", path), errno);
  ssize_t n = ::write(file.get(), text.data(), text.size());
  if (n < 0) return errno_error(concat("cannot write ", path), errno);
  if (static_cast<std::size_t>(n) != text.size()) return errno_error(concat("cannot write ", path), ENOSPC);
  return {};
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return errno_error("cannot write", count < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace kestrel::sys
