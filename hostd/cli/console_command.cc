#include "hostd/cli/console_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "hostd/records/rotating_file.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

namespace {

constexpr unsigned most_files = 100;
constexpr useconds_t look_interval_us = 100'000;

/// To a terminal without what could move its cursor; what a program reads is left as it is.
void print(std::string_view bytes, bool is_terminal) {
  if (!is_terminal) {
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  } else {
    for (const std::string_view line : split(bytes, '\n')) {
      std::fputs(printable(line).c_str(), stdout);
      if (line.data() + line.size() != bytes.data() + bytes.size()) std::fputc('\n', stdout);
    }
  }
  std::fflush(stdout);
}

/// All that can be read now; false when nobody takes it any more.
bool copy(int file, bool is_terminal) {
  std::array<char, 16384> buffer;
  ssize_t count = 0;
  while ((count = ::read(file, buffer.data(), buffer.size())) > 0)
    print({buffer.data(), static_cast<std::size_t>(count)}, is_terminal);
  return std::ferror(stdout) == 0;
}

bool is_same_file(int opened, const std::string& path) {
  struct stat one {};
  struct stat other {};
  return ::fstat(opened, &one) == 0 && ::stat(path.c_str(), &other) == 0 && one.st_ino == other.st_ino;
}

}  // namespace

int console_command(const ConsoleOptions& options) {
  if (!is_known(options.name)) return no_such_vm("show the console of", options.name);
  const bool is_terminal = ::isatty(STDOUT_FILENO) != 0;
  const std::string path = concat(vm_dir(options.name), '/', console_file);
  sys::UniqueFd file;
  for (const std::string& each : existing_files(path, most_files)) {
    file.reset(::open(each.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.is_open() && !copy(file.get(), is_terminal)) return 0;
  }
  while (options.follows && file.is_open() && is_running(options.name)) {
    ::usleep(look_interval_us);
    if (!copy(file.get(), is_terminal)) return 0;
    // It was rotated: the rest is in a younger file.
    if (!is_same_file(file.get(), path)) file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (file.is_open()) copy(file.get(), is_terminal);
  return 0;
}

}  // namespace kestrel::hostd
