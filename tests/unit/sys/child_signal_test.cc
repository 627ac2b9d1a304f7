#include "kestrel/sys/child_signal.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "kestrel/sys/process_tree.h"

namespace kestrel::sys {
namespace {

pid_t child_that_ends() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  return pid;
}

bool is_told(const ChildSignal& signal) {
  pollfd one{signal.fd(), POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

TEST_CASE("the end of a child is told until it is taken", "[sys]") {
  ChildSignal signal;
  CHECK_FALSE(is_told(signal));
  const pid_t first = child_that_ends();
  const pid_t second = child_that_ends();
  CHECK(is_told(signal));
  CHECK(signal.take() == first);
  CHECK_FALSE(is_told(signal));
  CHECK_FALSE(signal.take());
  ::waitpid(first, nullptr, 0);
  ::waitpid(second, nullptr, 0);
}

TEST_CASE("the signal's mask is as before when nobody listens any more", "[sys]") {
  sigset_t before;
  { const ChildSignal signal; }
  ::sigprocmask(SIG_SETMASK, nullptr, &before);
  CHECK(sigismember(&before, SIGCHLD) == 0);
}

TEST_CASE("the list of our children holds the dead that nobody has waited for", "[sys]") {
  const pid_t pid = child_that_ends();
  const auto with = list_children();
  ::waitpid(pid, nullptr, 0);
  const auto without = list_children();
  REQUIRE(with);
  CHECK(std::count(with->begin(), with->end(), pid) == 1);
  CHECK(std::count(without->begin(), without->end(), pid) == 0);
}

}  // namespace
}  // namespace kestrel::sys
