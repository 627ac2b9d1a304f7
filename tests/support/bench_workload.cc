// The one program in the guests of `make bench`; its first argument says what it plays.
//
//   start INIT [ARG...]   as /init: makes the page that the others share, notes the time in it, becomes INIT
//   service               notes when its main began, prints the time since INIT's exec, ends the guest
//   idle COUNT [NAME]     one of COUNT services: the last to come lets all settle, prints the memory of PID 1
//
// The page is a file of the initial file system, which no init replaces. Times are CLOCK_MONOTONIC, which
// counts instructions under QEMU's -icount. Results are lines `bench NAME VALUE` on the console.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

constexpr const char* page_path = "/bench.page";
constexpr unsigned settle_seconds = 5;

struct Page {
  std::uint64_t started_ns;
  std::atomic<unsigned> services;
};

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

[[noreturn]] void end_guest() {
  ::reboot(RB_POWER_OFF);
  ::_exit(1);
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  end_guest();
}

void print_result(const char* name, unsigned long long value) {
  char line[128];
  const int size = std::snprintf(line, sizeof line, "\nbench %s %llu\n", name, value);
  const int console = ::open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (console < 0 || ::write(console, line, static_cast<std::size_t>(size)) != size) give_up("/dev/console");
  ::tcdrain(console);
}

Page& shared_page() {
  const int file = ::open(page_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::ftruncate(file, sizeof(Page)) != 0) give_up(page_path);
  void* page = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) give_up(page_path);
  ::close(file);
  return *static_cast<Page*>(page);
}

[[noreturn]] void start(char** argv) {
  Page& page = shared_page();
  page.started_ns = now_ns();
  ::execv(argv[0], argv);
  give_up(argv[0]);
}

[[noreturn]] void serve(std::uint64_t began_ns) {
  const std::uint64_t started_ns = shared_page().started_ns;
  // As PID 1 nobody has made the console's file system.
  if (::getpid() == 1) (void)::mount("dev", "/dev", "devtmpfs", 0, nullptr);
  print_result("exec_to_main_ns", began_ns - started_ns);
  end_guest();
}

unsigned long long pss_of_init_kib() {
  // Not every init has mounted it.
  if (::access("/proc/1", F_OK) != 0) (void)::mount("proc", "/proc", "proc", 0, nullptr);
  std::FILE* rollup = std::fopen("/proc/1/smaps_rollup", "re");
  if (rollup == nullptr) give_up("/proc/1/smaps_rollup");
  char line[256];
  unsigned long long kib = 0;
  while (std::fgets(line, sizeof line, rollup) != nullptr) {
    if (std::sscanf(line, "Pss: %llu kB", &kib) == 1) break;
  }
  std::fclose(rollup);
  return kib;
}

[[noreturn]] void idle(unsigned count) {
  if (++shared_page().services == count) {
    ::sleep(settle_seconds);
    print_result("pss_kib", pss_of_init_kib());
    end_guest();
  }
  for (;;) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t began_ns = now_ns();
  if (argc > 2 && std::strcmp(argv[1], "start") == 0) start(argv + 2);
  if (argc == 2 && std::strcmp(argv[1], "service") == 0) serve(began_ns);
  if ((argc == 3 || argc == 4) && std::strcmp(argv[1], "idle") == 0)
    idle(static_cast<unsigned>(std::atoi(argv[2])));
  std::fputs("usage: bench_workload start INIT [ARG...] | service | idle COUNT [NAME]\n", stderr);
  return 2;
}
