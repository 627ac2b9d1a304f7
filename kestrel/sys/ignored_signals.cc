#include "kestrel/sys/ignored_signals.h"

#include <signal.h>

namespace kestrel::sys {

namespace {

std::uint64_t ignored_now() {
  std::uint64_t found = 0;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      found |= bit_of_signal(signal);
  }
  return found;
}

std::uint64_t& known() {
  static std::uint64_t set = ignored_now();
  return set;
}

}  // namespace

void ignore_signal(int signal) {
  known() |= bit_of_signal(signal);
  ::signal(signal, SIG_IGN);
}

std::uint64_t ignored_signals() { return known(); }

}  // namespace kestrel::sys
