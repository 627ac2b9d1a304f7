#include "kestrel/sys/open_files.h"

#include <algorithm>
#include <cerrno>

namespace kestrel::sys {

namespace {
std::optional<rlimit> for_children;
}  // namespace

Result<void> raise_open_files(std::uint64_t wanted) {
  rlimit before{};
  if (::getrlimit(RLIMIT_NOFILE, &before) < 0)
    return errno_error("cannot read the limit of open files", errno);
  if (before.rlim_cur >= wanted) return {};
  rlimit raised{wanted, std::max<rlim_t>(before.rlim_max, wanted)};
  if (::setrlimit(RLIMIT_NOFILE, &raised) < 0) {
    raised = {std::min<rlim_t>(before.rlim_max, wanted), before.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) < 0)
      return errno_error("cannot raise the limit of open files", errno);
  }
  if (!for_children) for_children = rlimit{before.rlim_cur, raised.rlim_max};
  return {};
}

void use_all_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::optional<rlimit> open_files_for_children() { return for_children; }

}  // namespace kestrel::sys
