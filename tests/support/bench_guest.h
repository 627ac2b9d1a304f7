// What the two programs in a guest of `make bench` share: a page in which services say that they have come,
// the clock, and the way results leave.
//
// The page is a file of the initial file system, which no init replaces. Times are CLOCK_MONOTONIC, which
// counts instructions under QEMU's -icount. Results are lines `bench NAME VALUE` on the console.
#pragma once

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <ctime>

namespace bench {

struct Page {
  /// Just before the exec of PID 1.
  std::uint64_t started_ns;
  /// How many services have come, and for how many the driver waits.
  std::atomic<std::uint32_t> services;
  std::atomic<std::uint32_t> awaited;
  /// Of the awaited one: when its main began, and what to kill.
  std::atomic<std::uint64_t> came_ns;
  std::atomic<std::uint32_t> pid;
  /// The word the driver sleeps on: it grows when the awaited service has come, and not with any before, so
  /// that nothing but the init runs while it is measured.
  std::atomic<std::uint32_t> bell;
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
};

inline std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

[[noreturn]] inline void end_guest() {
  ::reboot(RB_POWER_OFF);
  ::_exit(1);
}

[[noreturn]] inline void give_up(const char* what) {
  std::perror(what);
  end_guest();
}

inline void print_result(const char* name, unsigned long long value) {
  char line[128];
  const int size = std::snprintf(line, sizeof line, "\nbench %s %llu\n", name, value);
  const int console = ::open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (console < 0 || ::write(console, line, static_cast<std::size_t>(size)) != size) give_up("/dev/console");
  ::tcdrain(console);
  ::close(console);
}

inline Page& shared_page() {
  constexpr const char* path = "/bench.page";
  const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::ftruncate(file, sizeof(Page)) != 0) give_up(path);
  void* page = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) give_up(path);
  ::close(file);
  return *static_cast<Page*>(page);
}

/// The standard library's waiting on atomics is for the threads of one process only.
inline long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
                  const timespec* timeout = nullptr) {
  return ::syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

inline void ring(Page& page) {
  ++page.bell;
  (void)futex(page.bell, FUTEX_WAKE, INT_MAX);
}

/// False if the word is still the same after that many seconds.
inline bool wait_for_change(std::atomic<std::uint32_t>& word, std::uint32_t seen, std::uint64_t until_ns) {
  for (auto now = now_ns(); word == seen && now < until_ns; now = now_ns()) {
    const timespec rest{static_cast<time_t>((until_ns - now) / 1'000'000'000U),
                        static_cast<long>((until_ns - now) % 1'000'000'000U)};
    (void)futex(word, FUTEX_WAIT, seen, &rest);
  }
  return word != seen;
}

}  // namespace bench
