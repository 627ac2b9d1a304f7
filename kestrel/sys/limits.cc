#include "kestrel/sys/limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>

namespace kestrel::sys {

namespace {

bool set_resource(__rlimit_resource resource, std::uint64_t amount) noexcept {
  const rlimit both{amount, amount};
  return ::setrlimit(resource, &both) == 0;
}

bool set_oom_score_adj(int score) noexcept {
  std::array<char, 8> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), score).ptr;
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  return file >= 0 && ::write(file, text.data(), static_cast<std::size_t>(end - text.data())) > 0;
}

}  // namespace

bool apply_limits(const ProcessLimits& limits) noexcept {
  if (limits.open_files && !set_resource(RLIMIT_NOFILE, *limits.open_files)) return false;
  if (limits.core && !set_resource(RLIMIT_CORE, limits.core->count)) return false;
  if (limits.oom_score_adj && !set_oom_score_adj(*limits.oom_score_adj)) return false;
  return !limits.nice || ::setpriority(PRIO_PROCESS, 0, *limits.nice) == 0;
}

}  // namespace kestrel::sys
