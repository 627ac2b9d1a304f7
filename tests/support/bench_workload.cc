// The service of the guests of `make bench`: notes when its main began, rings when it is the one awaited, and
// idles.
//
//   service [READY-FD] [NAME]   until a signal ends it; a line on READY-FD (0: none) says that it is up, as
//   s6 wants job [NAME]                  ends at once, but for the awaited one, so that the init has nothing
//   to do after it signal NUMBER               sends it to PID 1
//
// NAME makes a command unlike the others, for inits that take equal ones for the same.
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tests/support/bench_guest.h"

namespace {

using bench::Page;

void come(Page& page, std::uint64_t began_ns) {
  if (++page.services != page.awaited) return;
  page.came_ns = began_ns;
  page.pid = static_cast<std::uint32_t>(::getpid());
  bench::ring(page);
}

[[noreturn]] void serve(std::uint64_t began_ns, int ready_fd) {
  come(bench::shared_page(), began_ns);
  if (ready_fd > 0 && ::write(ready_fd, "\n", 1) == 1) ::close(ready_fd);
  for (;;) ::pause();
}

int work(std::uint64_t began_ns) {
  Page& page = bench::shared_page();
  come(page, began_ns);
  while (page.services >= page.awaited) ::pause();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t began_ns = bench::now_ns();
  const char* role = argc > 1 ? argv[1] : "";
  if (std::strcmp(role, "service") == 0) serve(began_ns, argc > 2 ? std::atoi(argv[2]) : 0);
  if (std::strcmp(role, "job") == 0) return work(began_ns);
  if (std::strcmp(role, "signal") == 0 && argc > 2) return ::kill(1, std::atoi(argv[2])) == 0 ? 0 : 1;
  std::fputs("usage: bench_workload service [READY-FD] [NAME] | job [NAME] | signal NUMBER\n", stderr);
  return 2;
}
