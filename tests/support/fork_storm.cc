// fork_storm CHAINS [new-sessions]: so many chains of processes that ignore every signal they can. A process
// of a chain does nothing but make its successor and end, so that a list of them is outdated at once. With
// new-sessions each begins a session of its own. Prints `up`; the first process stays. After a minute they
// end by themselves.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

[[noreturn]] void run_chain(bool has_new_sessions) {
  const auto end = std::time(nullptr) + 60;
  while (std::time(nullptr) < end) {
    if (has_new_sessions) setsid();
    const pid_t child = fork();
    if (child > 0) _exit(0);
  }
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  for (int signal = 1; signal < SIGRTMIN; ++signal) ::signal(signal, SIG_IGN);
  const long chains = argc > 1 ? std::atol(argv[1]) : 4;
  const bool has_new_sessions = argc > 2 && std::strcmp(argv[2], "new-sessions") == 0;
  for (long i = 0; i < chains; ++i) {
    if (fork() == 0) run_chain(has_new_sessions);
  }
  std::puts("up");
  std::fflush(stdout);
  while (true) pause();
}
