#include "hostd/daemon/process_handle.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <utility>

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A process that does nothing until it is killed. Its signal is one that nobody ignores as nohup(1) does
/// SIGHUP.
struct Sleeper {
  Sleeper() : pid(::fork()) {
    REQUIRE(pid >= 0);
    while (pid == 0) ::pause();
  }
  ~Sleeper() { end(); }
  /// The signal that ended it.
  int end() {
    if (pid == 0) return signal;
    ::kill(pid, SIGUSR1);
    int status = 0;
    ::waitpid(std::exchange(pid, 0), &status, 0);
    return signal = WTERMSIG(status);
  }
  pid_t pid;
  int signal = 0;
};

}  // namespace

TEST_CASE("a process is told from a later one of its number by when it began", "[hostd]") {
  const auto ours = start_ticks_of(::getpid());
  CHECK(ours > 0);
  CHECK(start_ticks_of(::getpid()) == ours);
  CHECK(start_ticks_of(::getppid()) > 0);
  CHECK(start_ticks_of(0x7fffffff) == 0);
}

TEST_CASE("the process that is meant is killed", "[hostd]") {
  Sleeper sleeper;
  REQUIRE(kill_process({sleeper.pid, start_ticks_of(sleeper.pid)}));
  int status = 0;
  REQUIRE(::waitpid(std::exchange(sleeper.pid, 0), &status, 0) > 0);
  CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("a process that has got the number of another is left alone", "[hostd]") {
  Sleeper sleeper;
  const auto killed = kill_process({sleeper.pid, start_ticks_of(sleeper.pid) + 1});
  REQUIRE_FALSE(killed);
  CHECK(killed.error().code == ESRCH);
  CHECK(sleeper.end() == SIGUSR1);
}

TEST_CASE("a process that has ended is none", "[hostd]") {
  Sleeper sleeper;
  const ProcessHandle process{sleeper.pid, start_ticks_of(sleeper.pid)};
  sleeper.end();
  CHECK(kill_process(process).error().code == ESRCH);
}

TEST_CASE("nobody is killed where no process is known", "[hostd]") {
  CHECK(kill_process({}).error().code == ESRCH);
  CHECK(kill_process({1, start_ticks_of(1)}).error().code == ESRCH);
  CHECK(kill_process({-1, 0}).error().code == ESRCH);
}
