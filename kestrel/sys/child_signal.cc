#include "kestrel/sys/child_signal.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace kestrel::sys {

ChildSignal::ChildSignal() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, &before_);
  fd_.reset(::signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC));
}

ChildSignal::~ChildSignal() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

void ChildSignal::take() {
  // Ends that come while one is pending make no second signal, so one read takes all there is.
  signalfd_siginfo ignored;
  [[maybe_unused]] const ssize_t n = ::read(fd_.get(), &ignored, sizeof ignored);
}

}  // namespace kestrel::sys
