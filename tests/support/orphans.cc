// orphans N: makes N orphans, one after another, that end at once. Prints `done` and waits for its own end.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

/// A child whose only child is left to whoever adopts it.
bool make_orphan() {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    const pid_t grandchild = fork();
    _exit(grandchild < 0 ? 1 : 0);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : 1000;
  for (long i = 0; i < count; ++i) {
    if (!make_orphan()) {
      std::perror("orphans");
      return 1;
    }
  }
  std::puts("done");
  std::fflush(stdout);
  pause();
}
