// /init of the guests of `make bench`: leaves a driver behind, notes the time and becomes the init that is
// measured.
//
//   MEASURE COUNT mounted|bare INIT [ARG...]
//
// The driver, a child of PID 1 that the init knows nothing of, sleeps until COUNT services have come, and
// then measures:
//
//   start      start_ns: exec of PID 1 to main of the last of them
//   idle       pss_kib, processes: of all processes of the init, 10 s later; wakeups: their context switches
//   in the
//              20 s after that
//   restart    restart_ns: kill -9 to main of the next instance, 50 times, 3 s apart; rapid_restart_ns: 20
//   times,
//              0.1 s apart
//   reap       reap_ns, reap_cpu_ns: 20,000 orphans, until the last is reaped, and what the init spent on it
//   shutdown   marks the kernel's log and becomes the command in /bench.power_off, one word a line
//
// `mounted` makes the usual file systems beforehand, for inits that leave that to scripts.
#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/bench_guest.h"
#include "tests/support/bench_init.h"

namespace {

using bench::Page;

constexpr std::uint64_t second_ns = 1'000'000'000U;
constexpr std::uint64_t patience_ns = 600 * second_ns;
constexpr unsigned orphans = 20'000;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "\nbench: %s\n", what.c_str());
  bench::end_guest();
}

void sleep_ms(unsigned duration) { ::usleep(duration * 1000); }

void await_services(Page& page, std::uint32_t count) {
  const auto until_ns = bench::now_ns() + patience_ns;
  for (;;) {
    const std::uint32_t seen = page.bell;
    if (page.services >= count) return;
    if (!bench::wait_for_change(page.bell, seen, until_ns))
      fail(std::to_string(page.services) + " services came, not " + std::to_string(count));
  }
}

// --- what the init uses ------------------------------------------------------------------------------------

struct Use {
  unsigned long long pss_kib = 0, switches = 0, cpu_ns = 0, processes = 0;
};

unsigned long long number_after(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) == 0) return std::strtoull(line.c_str() + key.size(), nullptr, 10);
  }
  return 0;
}

/// Kernel threads have no program; services and this driver are not the init's.
bool is_of_init(const std::string& process) {
  char program[PATH_MAX];
  const ssize_t size = ::readlink((process + "/exe").c_str(), program, sizeof program);
  const std::string_view name(program, size > 0 ? static_cast<std::size_t>(size) : 0);
  return !name.empty() && name != "/w" && name != "/init";
}

Use use_of_init() {
  Use use;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) fail("cannot open /proc");
  while (const dirent* entry = ::readdir(folder)) {
    const std::string process = std::string("/proc/") + entry->d_name;
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) == 0 || !is_of_init(process)) continue;
    ++use.processes;
    use.pss_kib += number_after(process + "/smaps_rollup", "Pss:");
    use.switches += number_after(process + "/status", "voluntary_ctxt_switches:");
    use.switches += number_after(process + "/status", "nonvoluntary_ctxt_switches:");
    use.cpu_ns += number_after(process + "/schedstat", "");
  }
  ::closedir(folder);
  return use;
}

// --- the measures ------------------------------------------------------------------------------------------

void measure_start(Page& page) { bench::print_result("start_ns", page.came_ns - page.started_ns); }

void measure_idle(Page&) {
  ::sleep(10);
  const Use before = use_of_init();
  ::sleep(20);
  const Use after = use_of_init();
  bench::print_result("pss_kib", before.pss_kib);
  bench::print_result("processes", before.processes);
  bench::print_result("wakeups", after.switches - before.switches);
}

void restart(Page& page, const char* name, int times, unsigned gap_ms) {
  for (int turn = 0; turn < times; ++turn) {
    sleep_ms(gap_ms);
    const std::uint32_t next = page.services + 1;
    page.awaited = next;
    const auto killed_ns = bench::now_ns();
    if (::kill(static_cast<pid_t>(page.pid.load()), SIGKILL) != 0) fail("the service has gone");
    await_services(page, next);
    bench::print_result(name, page.came_ns - killed_ns);
  }
}

void measure_restart(Page& page) {
  restart(page, "restart_ns", 50, 3000);
  restart(page, "rapid_restart_ns", 20, 100);
}

unsigned process_count() {
  struct sysinfo info {};
  ::sysinfo(&info);
  return info.procs;
}

int end_at_once(void*) { return 0; }

/// As a program that makes itself a daemon does: a child whose child is left behind. Both borrow this
/// driver's memory, so that the making of them costs little beside the reaping. False where the kernel takes
/// no more processes, because the init lags behind.
bool make_orphan() {
  alignas(16) static char stack[16384];
  const pid_t child = ::vfork();
  if (child < 0) return false;
  if (child == 0)
    ::_exit(::clone(end_at_once, stack + sizeof stack, CLONE_VM | SIGCHLD, nullptr) < 0 ? 1 : 0);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

void measure_reap(Page&) {
  ::sleep(3);
  const Use before = use_of_init();
  const unsigned processes = process_count();
  const auto began_ns = bench::now_ns();
  for (unsigned made = 0; made < orphans || process_count() > processes;) {
    if (bench::now_ns() - began_ns > patience_ns) fail("orphans are left");
    if (made < orphans && make_orphan())
      ++made;
    else
      sleep_ms(1);
  }
  bench::print_result("reap_ns", bench::now_ns() - began_ns);
  bench::print_result("reap_cpu_ns", use_of_init().cpu_ns - before.cpu_ns);
}

/// An emergency goes to the console with the kernel's own time, as `reboot: Power down` will.
void measure_shutdown(Page&) {
  ::sleep(3);
  const int log = ::open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  constexpr std::string_view mark = "<0>bench: shutdown\n";
  if (log < 0 || ::write(log, mark.data(), mark.size()) < 0) fail("cannot write to the kernel's log");
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGHUP, SIG_DFL);
  bench::become("/bench.power_off");
}

struct Measure {
  const char* name;
  void (*take)(Page&);
};
constexpr Measure measures[] = {{"start", measure_start},
                                {"idle", measure_idle},
                                {"restart", measure_restart},
                                {"reap", measure_reap},
                                {"shutdown", measure_shutdown}};

[[noreturn]] void drive(Page& page, const Measure& measure, std::uint32_t count) {
  ::setsid();
  // A shutdown must not end the driver before it has said what it measured.
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  page.awaited = count;
  bench::ring(page);
  await_services(page, count);
  measure.take(page);
  bench::end_guest();
}

// --- before the init ---------------------------------------------------------------------------------------

[[noreturn]] void start(Page& page, const Measure& measure, std::uint32_t count, char** init) {
  const std::uint32_t seen = page.bell;
  if (::fork() == 0) drive(page, measure, count);
  (void)bench::wait_for_change(page.bell, seen, bench::now_ns() + second_ns);
  sleep_ms(50);
  page.started_ns = bench::now_ns();
  ::execv(init[0], init);
  bench::give_up(init[0]);
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 4 ? std::atoi(argv[2]) : 0;
  for (const Measure& measure : measures) {
    if (count <= 0 || std::strcmp(argv[1], measure.name) != 0) continue;
    if (std::strcmp(argv[3], "mounted") == 0) bench::mount_usual();
    start(bench::shared_page(), measure, static_cast<std::uint32_t>(count), argv + 4);
  }
  fail("usage: bench_driver MEASURE COUNT mounted|bare INIT [ARG...]");
}
