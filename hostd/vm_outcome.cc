#include "hostd/vm_outcome.h"

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

Outcome ended(ExitCode code, std::string message) { return {to_status(code), std::move(message), {}}; }

std::string count_problems(std::size_t count) { return concat(count, count == 1 ? " problem" : " problems"); }

}  // namespace

std::string describe(const VmmExited& exit) {
  std::string text = exit.signal != 0 ? concat("QEMU was killed by ", signal_name(exit.signal))
                                      : concat("QEMU exited with status ", exit.code);
  if (!exit.last_words.empty()) text += concat(": ", exit.last_words);
  return text;
}

Outcome outcome_of(const wire::Exiting& word) {
  Outcome outcome;
  outcome.status = word.signal != 0 ? 128 + word.signal : word.status;
  outcome.details = word.problems;
  if (word.cause == "config") {
    outcome.message = concat("the guest's config is wrong: ", count_problems(word.problems.size()));
  } else if (word.cause == "boot") {
    outcome.message = concat("the guest could not boot: ", count_problems(word.problems.size()));
  } else if (word.oom) {
    outcome.message = "the guest ran out of memory";
  }
  return outcome;
}

Outcome outcome_of_early_exit(const VmmExited& exit, bool has_console_spoken) {
  if (exit.signal != 0) return ended(ExitCode::vmm_died, describe(exit));
  if (exit.code != 0) {
    return has_console_spoken
               ? ended(ExitCode::vmm_died, describe(exit))
               : ended(ExitCode::vmm_refused, concat("QEMU refused to start: ", describe(exit)));
  }
  return ended(ExitCode::no_hello, "the guest powered off or reset before it said hello");
}

Outcome outcome_of_late_exit(const VmmExited& exit) {
  if (exit.signal != 0 || exit.code != 0) return ended(ExitCode::vmm_died, describe(exit));
  return ended(ExitCode::guest_lost, "the guest powered off or reset without a last word");
}

Outcome outcome_of_silence(const Booting& booting, Duration boot_timeout) {
  const std::string_view how_far =
      !booting.has_console_spoken && !booting.is_driver_up ? "its kernel showed no sign of life"
      : !booting.is_driver_up ? "its kernel started, but its vsock driver did not"
                              : "its vsock driver is up, but kestrel does not speak";
  return ended(ExitCode::no_hello,
               concat("the guest did not say hello within ", format_duration(boot_timeout), ": ", how_far));
}

Outcome outcome_of_panic(std::string_view console_line) {
  return ended(ExitCode::kernel_panic, concat("the guest's kernel panicked: ", console_line));
}

}  // namespace kestrel::hostd
