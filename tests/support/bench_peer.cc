// Both ends of the network measures of `make bench`.
//
//   serve PORT [ADDRESS]             in the guest: answers any number of clients, one process each; with
//   ADDRESS (a /24)
//                                    it first gives that to eth0
//   rtt HOST-PORT COUNT              on the host: median and 99th percentile of COUNT one-byte echoes, in
//   microseconds send|receive HOST-PORT MIB       on the host: MiB a second, measured until the other end
//   has, or has sent, all
//
// A connection begins with a request of 16 bytes: what to do (e, s or r), padding, the number of bytes.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t block_size = 64UL << 10;
constexpr std::uint64_t mebibyte = 1UL << 20;

struct Request {
  char kind;
  char padding[7];
  std::uint64_t size;
};
static_assert(sizeof(Request) == 16);

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

void write_all(int socket, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::send(socket, data, size, MSG_NOSIGNAL);
    if (count <= 0) fail("send");
    data += count;
    size -= static_cast<std::size_t>(count);
  }
}

void read_all(int socket, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::recv(socket, data, size, 0);
    if (count <= 0) fail("recv");
    data += count;
    size -= static_cast<std::size_t>(count);
  }
}

void pour(int socket, std::uint64_t size) {
  static char block[block_size];
  for (; size > 0; size -= std::min<std::uint64_t>(size, block_size)) {
    write_all(socket, block, std::min<std::uint64_t>(size, block_size));
  }
}

void drain(int socket, std::uint64_t size) {
  static char block[block_size];
  while (size > 0) {
    const ssize_t count = ::recv(socket, block, std::min<std::uint64_t>(size, block_size), 0);
    if (count <= 0) fail("recv");
    size -= static_cast<std::uint64_t>(count);
  }
}

sockaddr_in address_of(std::uint32_t host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(host);
  return address;
}

void without_delay(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// --- the guest -------------------------------------------------------------------------------------------

void give_address(const char* text) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "eth0");
  sockaddr_in address = address_of(0, 0);
  if (::inet_pton(AF_INET, text, &address.sin_addr) != 1) fail(text);
  std::memcpy(&request.ifr_addr, &address, sizeof address);
  if (::ioctl(socket, SIOCSIFADDR, &request) != 0) fail("SIOCSIFADDR eth0");
  address = address_of(0xffffff00U, 0);
  std::memcpy(&request.ifr_netmask, &address, sizeof address);
  if (::ioctl(socket, SIOCSIFNETMASK, &request) != 0) fail("SIOCSIFNETMASK eth0");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket, SIOCSIFFLAGS, &request) != 0) fail("SIOCSIFFLAGS eth0");
  ::close(socket);
}

void answer(int socket) {
  Request request{};
  read_all(socket, reinterpret_cast<char*>(&request), sizeof request);
  const char done = 'd';
  switch (request.kind) {
    case 'e':
      for (char byte = 0; request.size > 0; --request.size) {
        read_all(socket, &byte, 1);
        write_all(socket, &byte, 1);
      }
      return;
    case 's':
      drain(socket, request.size);
      write_all(socket, &done, 1);
      return;
    case 'r':
      pour(socket, request.size);
      return;
    default:
      std::fputs("bench_peer: unknown request\n", stderr);
  }
}

[[noreturn]] void serve(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = address_of(INADDR_ANY, port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (::listen(listener, 16) != 0) fail("listen");
  std::signal(SIGCHLD, SIG_IGN);
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    if (::fork() == 0) {
      without_delay(socket);
      answer(socket);
      std::exit(0);
    }
    ::close(socket);
  }
}

// --- the host --------------------------------------------------------------------------------------------

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

int ask(int port, char kind, std::uint64_t size) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = address_of(INADDR_LOOPBACK, port);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  without_delay(socket);
  Request request{};
  request.kind = kind;
  request.size = size;
  write_all(socket, reinterpret_cast<const char*>(&request), sizeof request);
  return socket;
}

void measure_rtt(int port, std::size_t count) {
  const std::size_t warm_up = count / 10;
  const int socket = ask(port, 'e', warm_up + count);
  std::vector<double> times;
  for (std::size_t turn = 0; turn < warm_up + count; ++turn) {
    char byte = 'x';
    const auto start = Clock::now();
    write_all(socket, &byte, 1);
    read_all(socket, &byte, 1);
    if (turn >= warm_up) times.push_back(microseconds_since(start));
  }
  std::sort(times.begin(), times.end());
  std::printf("%.1f %.1f\n", times[count / 2], times[count * 99 / 100]);
}

void measure_throughput(int port, char kind, std::uint64_t mebibytes) {
  const auto start = Clock::now();
  const int socket = ask(port, kind, mebibytes * mebibyte);
  if (kind == 's') pour(socket, mebibytes * mebibyte);
  drain(socket, kind == 's' ? 1 : mebibytes * mebibyte);
  std::printf("%.1f\n", static_cast<double>(mebibytes) / (microseconds_since(start) / 1e6));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view role = argc > 2 ? argv[1] : "";
  if (role == "serve") {
    if (argc > 3) give_address(argv[3]);
    serve(std::atoi(argv[2]));
  }
  const int amount = argc > 3 ? std::atoi(argv[3]) : 0;
  if (amount > 0 && (role == "rtt" || role == "send" || role == "receive")) {
    if (role == "rtt") {
      measure_rtt(std::atoi(argv[2]), static_cast<std::size_t>(amount));
    } else {
      measure_throughput(std::atoi(argv[2]), role.front(), static_cast<std::uint64_t>(amount));
    }
    return 0;
  }
  std::fputs("usage: bench_peer serve PORT [ADDRESS] | rtt PORT COUNT | send|receive PORT MIB\n", stderr);
  return 2;
}
