// /init of the guests of `make bench` that tell what kestrel costs an example: becomes the workload itself,
// or kestrel that runs it, and leaves a client behind that asks 1500 times, 25 times a second, and then 1500
// times at once.
//
//   alone|kestrel PORT PATH     GET PATH of 127.0.0.1:PORT
//   alone|kestrel PORT          PORT says when it may begin; /bench.paced and /bench.hurried are the work
//
// Commands are files with one word a line: /bench.init is what it becomes, /bench.before, if it is there,
// what runs before. The usual file systems and the loopback are there `alone`; kestrel makes its own. Results
// are nanoseconds of the guest's processor, which are instructions under QEMU's -icount: start_ns from the
// exec of /bench.init to the first answer, paced_ns and hurried_ns of the work, and init_ns: the part of
// paced_ns that was PID 1's.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "tests/support/bench_guest.h"
#include "tests/support/bench_init.h"

namespace {

constexpr int requests = 1500;
constexpr std::uint64_t interval_ns = 40'000'000;
constexpr std::uint64_t patience_ns = 600'000'000'000U;
/// While nobody answers yet.
constexpr useconds_t look_interval_us = 5000;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "\nbench: %s\n", what.c_str());
  bench::end_guest();
}

struct Target {
  in_port_t port = 0;
  std::string path;  ///< empty: a connection is all that is tried
};

/// What the processor has done, since the kernel's start: time less what it was idle. The kernel's log of its
/// timers has that to the nanosecond; nothing else has.
std::uint64_t busy_ns() {
  std::ifstream timers("/bench.proc/timer_list");
  constexpr const char* key = ".idle_sleeptime";
  for (std::string line; std::getline(timers, line);) {
    const auto at = line.find(key);
    if (at == std::string::npos) continue;
    return bench::now_ns() - std::strtoull(line.c_str() + line.find(':', at) + 1, nullptr, 10);
  }
  fail("the kernel does not tell how long it was idle");
}

/// True if the answer begins with `HTTP/1.x 2`, and has come to its end.
bool is_successful(int connection, const std::string& path) {
  const std::string request = "GET " + path + " HTTP/1.0\r\nHost: guest\r\n\r\n";
  const auto size = static_cast<ssize_t>(request.size());
  if (::write(connection, request.data(), request.size()) != size) return false;
  std::string answer;
  char piece[4096];
  for (ssize_t got = 0; (got = ::read(connection, piece, sizeof piece)) > 0;)
    answer.append(piece, static_cast<std::size_t>(got));
  return answer.size() > 9 && answer[9] == '2';
}

bool ask(const Target& target) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_answered =
      ::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      (target.path.empty() || is_successful(connection, target.path));
  ::close(connection);
  return is_answered;
}

/// Keeps its pace whatever an answer takes; 0 is as fast as it goes.
void ask_often(const Target& target, std::uint64_t pace_ns) {
  const auto began_ns = bench::now_ns();
  for (int number = 1; number <= requests; ++number) {
    if (!ask(target)) fail("a request failed");
    const auto next_ns = began_ns + static_cast<std::uint64_t>(number) * pace_ns;
    const auto now_ns = bench::now_ns();
    if (now_ns < next_ns) ::usleep(static_cast<useconds_t>((next_ns - now_ns) / 1000));
  }
}

/// The processor's time of PID 1.
std::uint64_t init_ns() {
  std::uint64_t time = 0;
  std::ifstream("/bench.proc/1/schedstat") >> time;
  return time;
}

void run(const char* command) {
  const pid_t child = ::fork();
  if (child == 0) bench::become(command);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) fail(std::string(command) + " failed");
}

void work(const Target& target, std::uint64_t pace_ns, const char* command) {
  if (target.path.empty())
    run(command);
  else
    ask_often(target, pace_ns);
}

[[noreturn]] void drive(const Target& target, std::uint64_t started_ns) {
  ::setsid();
  const auto until_ns = bench::now_ns() + patience_ns;
  while (!ask(target)) {
    if (bench::now_ns() > until_ns) fail("nobody answers");
    ::usleep(look_interval_us);
  }
  // Who takes connections may still refuse them.
  if (target.path.empty()) ::sleep(1);
  const auto answered_ns = busy_ns();
  bench::print_result("start_ns", answered_ns - started_ns);
  const auto init_before_ns = init_ns();
  work(target, interval_ns, "/bench.paced");
  const auto paced_ns = busy_ns();
  bench::print_result("paced_ns", paced_ns - answered_ns);
  bench::print_result("init_ns", init_ns() - init_before_ns);
  const auto begun_ns = busy_ns();
  work(target, 0, "/bench.hurried");
  bench::print_result("hurried_ns", busy_ns() - begun_ns);
  bench::end_guest();
}

void raise_loopback() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket, SIOCSIFFLAGS, &request) != 0) bench::give_up("lo");
  ::close(socket);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) fail("usage: bench_example alone|kestrel PORT [PATH]");
  if (std::strcmp(argv[1], "alone") == 0) {
    bench::mount_usual();
    bench::mount_on("/dev/shm", "tmpfs");
    raise_loopback();
  }
  bench::mount_on("/bench.proc", "proc");
  const Target target{static_cast<in_port_t>(std::atoi(argv[2])), argc > 3 ? argv[3] : ""};
  const auto started_ns = busy_ns();
  if (::fork() == 0) drive(target, started_ns);
  if (::access("/bench.before", F_OK) == 0) run("/bench.before");
  bench::become("/bench.init");
}
