#include "kestrel/sys/ignored_signals.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace kestrel::sys {

namespace {

constexpr unsigned long ignored_handler = 1;  // SIG_IGN

/// Asks the kernel: libc's sigaction() knows nothing of the two signals that it uses itself.
std::uint64_t ignored_now() {
  constexpr std::size_t mask_size = 8;
  std::uint64_t found = 0;
  for (int signal = 1; signal < NSIG; ++signal) {
    std::array<unsigned long, 4> action{};  // the kernel's, which begins with the handler
    const bool is_known = ::syscall(SYS_rt_sigaction, signal, nullptr, action.data(), mask_size) == 0;
    if (is_known && action[0] == ignored_handler) found |= bit_of_signal(signal);
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
