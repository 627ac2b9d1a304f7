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

std::optional<pid_t> ChildSignal::take() {
  // Ends that come while one is pending make no second signal, so one read takes all there is.
  signalfd_siginfo first{};
  if (::read(fd_.get(), &first, sizeof first) != sizeof first) return std::nullopt;
  return static_cast<pid_t>(first.ssi_pid);
}

}  // namespace kestrel::sys
