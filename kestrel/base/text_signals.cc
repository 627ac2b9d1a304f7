// Names of signals. Numbers are Linux's on every architecture but MIPS, SPARC and Alpha, from <csignal>.
#include <algorithm>
#include <array>
#include <csignal>

#include "kestrel/base/text.h"

namespace kestrel {
namespace {

struct NamedSignal {
  std::string_view name;
  int number;
};
constexpr std::array named_signals = {
    NamedSignal{"HUP", SIGHUP},       NamedSignal{"INT", SIGINT},   NamedSignal{"QUIT", SIGQUIT},
    NamedSignal{"ILL", SIGILL},       NamedSignal{"TRAP", SIGTRAP}, NamedSignal{"ABRT", SIGABRT},
    NamedSignal{"BUS", SIGBUS},       NamedSignal{"FPE", SIGFPE},   NamedSignal{"KILL", SIGKILL},
    NamedSignal{"USR1", SIGUSR1},     NamedSignal{"SEGV", SIGSEGV}, NamedSignal{"USR2", SIGUSR2},
    NamedSignal{"PIPE", SIGPIPE},     NamedSignal{"ALRM", SIGALRM}, NamedSignal{"TERM", SIGTERM},
    NamedSignal{"STKFLT", SIGSTKFLT}, NamedSignal{"CHLD", SIGCHLD}, NamedSignal{"CONT", SIGCONT},
    NamedSignal{"STOP", SIGSTOP},     NamedSignal{"TSTP", SIGTSTP}, NamedSignal{"TTIN", SIGTTIN},
    NamedSignal{"TTOU", SIGTTOU},     NamedSignal{"URG", SIGURG},   NamedSignal{"XCPU", SIGXCPU},
    NamedSignal{"XFSZ", SIGXFSZ},     NamedSignal{"PROF", SIGPROF}, NamedSignal{"VTALRM", SIGVTALRM},
    NamedSignal{"WINCH", SIGWINCH},   NamedSignal{"IO", SIGIO},     NamedSignal{"PWR", SIGPWR},
    NamedSignal{"SYS", SIGSYS}};
// The kernel's count (_NSIG); glibc keeps two of the real-time signals to itself, so RTMIN is 34.
constexpr int last_signal = 64;
constexpr int first_real_time_signal = 34;

}  // namespace

std::optional<int> parse_signal(std::string_view text) {
  if (const auto number = parse_integer(text)) {
    return *number >= 1 && *number <= last_signal ? std::optional(static_cast<int>(*number)) : std::nullopt;
  }
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (const NamedSignal& signal : named_signals) {
    if (signal.name == name) return signal.number;
  }
  if (!name.starts_with("RTMIN")) return std::nullopt;
  const std::string_view beyond = std::string_view(name).substr(5);
  if (beyond.empty()) return first_real_time_signal;
  const auto offset = beyond.front() == '+' ? parse_integer(beyond.substr(1)) : std::nullopt;
  if (!offset || *offset < 0 || *offset > last_signal - first_real_time_signal) return std::nullopt;
  return first_real_time_signal + static_cast<int>(*offset);
}

std::string signal_name(int signal) {
  for (const NamedSignal& named : named_signals) {
    if (named.number == signal) return concat("SIG", named.name);
  }
  return concat("signal ", signal);
}

}  // namespace kestrel
