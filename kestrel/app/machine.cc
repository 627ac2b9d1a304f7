#include "kestrel/app/machine.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

#include "kestrel/app/disk_root.h"
#include "kestrel/app/process_table.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/clock_set.h"
#include "kestrel/sys/console.h"
#include "kestrel/sys/entropy.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/hostname.h"
#include "kestrel/sys/modules.h"
#include "kestrel/sys/mounts.h"
#include "kestrel/sys/network.h"
#include "kestrel/sys/open_files.h"
#include "kestrel/sys/power.h"

namespace kestrel::app {

namespace {

/// A clock that is off by less is left alone: stepping it would do more harm than the difference.
constexpr Duration tolerated_clock_error = milliseconds(500);
/// After a standstill the clock has jumped anyway; this is what the message's way may take.
constexpr Duration tolerated_after_standstill = milliseconds(50);

Result<void> mount_file_systems(Machine&) {
  const auto failures = sys::mount_early("");
  if (!failures) return failures.error();
  for (const auto& one : *failures) log_warning(one.message);
  return sys::open_missing_stdio("/dev/console");
}

Result<void> read_parameters(Machine& machine) {
  const auto text = sys::read_file("/proc/cmdline");
  if (!text) return text.error();
  machine.parameters = sys::parse_kernel_command_line(*text);
  return {};
}

Result<void> load_modules(Machine&) {
  for (const auto& one : sys::load_modules("/", "/lib/modules/kestrel.order")) log_warning(one.message);
  return {};
}

/// What fails here the host has to be told, which takes all the rest of the way up.
Result<void> go_to_disk(Machine& machine) {
  auto entered = enter_disk_root(machine.parameters);
  if (!entered) machine.root_failure = entered.error();
  return entered;
}

Result<void> bring_up_loopback(Machine&) { return sys::bring_up_interface("lo"); }

Result<void> take_over_cgroups(Machine& machine) {
  auto root = sys::CgroupRoot::open("/sys/fs/cgroup", sys::OwnLeaf::later);
  if (!root) return root.error();
  machine.cgroups = std::move(*root);
  return {};
}

Result<void> raise_limits(Machine&) { return sys::raise_open_files(wanted_open_files); }

Result<void> take_keyboard(Machine&) { return sys::take_ctrl_alt_del(); }

struct Step {
  const char* name;
  Result<void> (*run)(Machine&);
  sys::OnFailure on_failure;
};

constexpr std::array steps = {
    Step{"mounts", mount_file_systems, sys::OnFailure::give_up},
    Step{"command line", read_parameters, sys::OnFailure::give_up},
    Step{"modules", load_modules, sys::OnFailure::go_on},
    Step{"root", go_to_disk, sys::OnFailure::go_on},
    Step{"loopback", bring_up_loopback, sys::OnFailure::go_on},
    Step{"cgroups", take_over_cgroups, sys::OnFailure::go_on},
    Step{"limits", raise_limits, sys::OnFailure::go_on},
    Step{"ctrl-alt-del", take_keyboard, sys::OnFailure::go_on},
};

std::string from_hexadecimal(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned char byte = 0;
    if (std::from_chars(&digits[i], &digits[i] + 2, byte, 16).ec != std::errc()) return {};
    out.push_back(static_cast<char>(byte));
  }
  return out;
}

void log_failure(const Result<void>& result) {
  if (!result) log_warning(result.error().message);
}

struct ClockError {
  Duration error{};  ///< our clock minus the host's
  bool is_corrected = false;
};

ClockError follow_clock(std::int64_t host_time_ns, Duration tolerated) {
  if (host_time_ns <= 0) return {};
  const Duration error = sys::wall_now().time_since_epoch() - Duration(host_time_ns);
  if (std::chrono::abs(error) <= tolerated) return {error};
  const auto stepped = sys::step_wall_clock(Duration(host_time_ns));
  log_failure(stepped);
  return {error, stepped.has_value()};
}

void take_randomness(std::string_view hexadecimal) {
  if (!hexadecimal.empty()) log_failure(sys::credit_entropy(from_hexadecimal(hexadecimal)));
}

}  // namespace

Result<Machine> bring_up_machine(Timeline& timeline) {
  Machine machine;
  for (const auto& step : steps) {
    const auto done = step.run(machine);
    timeline.reached(step.name);
    if (done) continue;
    if (step.on_failure == sys::OnFailure::give_up) return done.error().in(step.name);
    log_warning(step.name, ": ", done.error().message);
  }
  return machine;
}

void take_identity(const wire::Welcome& welcome) {
  if (!welcome.hostname.empty()) log_failure(sys::set_hostname(welcome.hostname));
  take_time_and_randomness(welcome);
}

void take_time_and_randomness(const wire::Welcome& welcome) {
  take_randomness(welcome.entropy);
  follow_clock(welcome.time_ns, tolerated_clock_error);
}

wire::ResumedReport catch_up(const wire::Resumed& resumed) {
  const auto began = sys::monotonic_now();
  const auto clock = follow_clock(resumed.time_ns, tolerated_after_standstill);
  take_randomness(resumed.entropy);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(sys::monotonic_now() - began);
  return {.clock_error_ns = clock.error.count(), .is_clock_set = clock.is_corrected, .took_us = took.count()};
}

void release_disks() {
  sys::sync_disks();
  for (const auto& one : sys::unmount_all()) log_warning(one.message);
}

void leave_machine(core::PowerAction action) {
  const auto end =
      action == core::PowerAction::reboot ? sys::MachineEnd::restart : sys::MachineEnd::power_off;
  const auto ended = sys::end_machine(end);
  if (!ended) log_error(ended.error().message);
  while (true) ::pause();
}

}  // namespace kestrel::app
