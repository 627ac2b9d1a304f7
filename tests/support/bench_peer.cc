// Both ends of the network and vsock measures of `make bench`.
//
// In the guest:
//   serve PORT [ADDRESS]  answers any number of clients over TCP and, where there is one, vsock, one process
//                         each; with ADDRESS (a /24) it first gives that to eth0
//   stdio                 answers one client on standard input and output
//
// On the host, the median and the 99th percentile in microseconds of COUNT
//   rtt WHERE COUNT       one-byte echoes
//   open WHERE COUNT      new connections: from connect to the first echo
//   run SOCKET COUNT      execs of a program that does nothing: from connect to its exit
//   agent SOCKET COUNT    the same of qemu-guest-agent's guest-exec, which is asked whether it has ended
// and
//   crowd SOCKET COUNT    milliseconds until COUNT such execs that begin at once have all ended
//   send WHERE MIB, receive WHERE MIB
//                         MiB a second, measured until the other end has, or has sent, all
//
// WHERE is a TCP port of this host, `SOCKET:PORT` for a vsock port by way of the device's socket, or
// `exec:SOCKET` for `bench_peer stdio` as an exec (which takes no send).
//
// A connection begins with a request of 16 bytes: what to do (e, s or r), padding, the number of bytes.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
// Its structures name sockaddr: it must come after <sys/socket.h>.
#include <linux/vm_sockets.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
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

void write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd, data, size);
    if (count <= 0) fail("write");
    data += count;
    size -= static_cast<std::size_t>(count);
  }
}

void read_all(int fd, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::read(fd, data, size);
    if (count <= 0) fail("read");
    data += count;
    size -= static_cast<std::size_t>(count);
  }
}

void pour(int fd, std::uint64_t size) {
  static char block[block_size];
  for (; size > 0; size -= std::min<std::uint64_t>(size, block_size)) {
    write_all(fd, block, std::min<std::uint64_t>(size, block_size));
  }
}

void drain(int fd, std::uint64_t size) {
  static char block[block_size];
  while (size > 0) {
    const ssize_t count = ::read(fd, block, std::min<std::uint64_t>(size, block_size));
    if (count <= 0) fail("read");
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

void answer(int from, int to) {
  Request request{};
  read_all(from, reinterpret_cast<char*>(&request), sizeof request);
  const char done = 'd';
  switch (request.kind) {
    case 'e':
      for (char byte = 0; request.size > 0; --request.size) {
        read_all(from, &byte, 1);
        write_all(to, &byte, 1);
      }
      return;
    case 's':
      drain(from, request.size);
      write_all(to, &done, 1);
      return;
    case 'r':
      pour(to, request.size);
      return;
    default:
      std::fputs("bench_peer: unknown request\n", stderr);
  }
}

template <typename Address>
int listen_on(const Address& address) {
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const int listener = ::socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return -1;
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener, generic, sizeof address) != 0) fail("bind");
  if (::listen(listener, 128) != 0) fail("listen");
  return listener;
}

[[noreturn]] void serve_on(int listener) {
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    if (::fork() == 0) {
      without_delay(socket);
      answer(socket, socket);
      std::exit(0);
    }
    ::close(socket);
  }
}

[[noreturn]] void serve(int port) {
  sockaddr_vm vsock{};
  vsock.svm_family = AF_VSOCK;
  vsock.svm_cid = VMADDR_CID_ANY;
  vsock.svm_port = static_cast<unsigned>(port);
  std::signal(SIGCHLD, SIG_IGN);
  const int tcp = listen_on(address_of(INADDR_ANY, port));
  if (const int listener = listen_on(vsock); listener >= 0 && ::fork() == 0) serve_on(listener);
  serve_on(tcp);
}

// --- the host --------------------------------------------------------------------------------------------

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

int connect_tcp(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = address_of(INADDR_LOOPBACK, port);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  without_delay(socket);
  return socket;
}

int connect_unix(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail(path.c_str());
  return socket;
}

/// Up to and with `end`.
std::string read_until(int socket, std::string_view end) {
  std::string text;
  while (!text.ends_with(end)) {
    char byte = 0;
    read_all(socket, &byte, 1);
    text += byte;
  }
  return text;
}

/// kestrel-stream/1 (kestrel/wire/stream_frames.h), as much of it as it takes to measure.
struct FrameHeader {
  std::uint8_t type;
  std::uint8_t flags;
  std::uint16_t zero;
  std::uint32_t length;  ///< big endian
};
constexpr std::uint8_t standard_input = 1;
constexpr std::uint8_t standard_output = 2;
constexpr std::uint8_t exit_frame = 7;

int ask_for_exec(const std::string& path, std::string_view argument) {
  const int socket = connect_unix(path);
  const std::string body = R"({"command":"/bin/bench_peer","args":[")" + std::string(argument) + R"("]})";
  const std::string request =
      "POST /v1/exec HTTP/1.1\r\nHost: vm\r\nConnection: Upgrade\r\nUpgrade: "
      "kestrel-stream/1\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  write_all(socket, request.data(), request.size());
  return socket;
}

void await_stream(int socket) {
  const std::string head = read_until(socket, "\r\n\r\n");
  if (head.find(" 101 ") == std::string::npos) fail(head.c_str());
}

int start_exec(const std::string& path, std::string_view argument) {
  const int socket = ask_for_exec(path, argument);
  await_stream(socket);
  return socket;
}

/// A server in the guest, however it is reached.
class Channel {
 public:
  Channel(const std::string& where, char kind, std::uint64_t size) {
    const std::string exec = "exec:";
    const auto colon = where.rfind(':');
    if (where.starts_with(exec)) {
      is_framed_ = true;
      socket_ = start_exec(where.substr(exec.size()), "stdio");
    } else if (colon != std::string::npos) {
      socket_ = connect_unix(where.substr(0, colon));
      const std::string line = "CONNECT " + where.substr(colon + 1) + "\n";
      write_all(socket_, line.data(), line.size());
      read_until(socket_, "\n");
    } else {
      socket_ = connect_tcp(std::atoi(where.c_str()));
    }
    Request request{};
    request.kind = kind;
    request.size = size;
    write(reinterpret_cast<const char*>(&request), sizeof request);
  }
  ~Channel() { ::close(socket_); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// In a frame at most a few bytes.
  void write(const char* data, std::size_t size) const {
    if (!is_framed_) return write_all(socket_, data, size);
    const FrameHeader header{standard_input, 0, 0, htonl(static_cast<std::uint32_t>(size))};
    std::string frame(reinterpret_cast<const char*>(&header), sizeof header);
    frame.append(data, size);
    write_all(socket_, frame.data(), frame.size());
  }
  void read(std::uint64_t size) {
    if (!is_framed_) return drain(socket_, size);
    while (size > 0) size -= std::min(size, read_frames());
  }

 private:
  /// How many bytes of output came.
  std::uint64_t read_frames() {
    static char block[4 * block_size];
    const ssize_t count = ::read(socket_, block, sizeof block);
    if (count <= 0) fail("read");
    std::uint64_t output = 0;
    for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
      if (left_ == 0) {
        const auto taken = std::min(sizeof header_ - filled_, static_cast<std::size_t>(count) - at);
        std::memcpy(reinterpret_cast<char*>(&header_) + filled_, block + at, taken);
        at += taken;
        filled_ += taken;
        if (filled_ < sizeof header_) break;
        filled_ = 0;
        left_ = ntohl(header_.length);
      }
      const auto taken = std::min<std::size_t>(left_, static_cast<std::size_t>(count) - at);
      at += taken;
      left_ -= static_cast<std::uint32_t>(taken);
      if (header_.type == standard_output) output += taken;
    }
    return output;
  }

  int socket_ = -1;
  bool is_framed_ = false;
  FrameHeader header_{};
  std::size_t filled_ = 0;
  std::uint32_t left_ = 0;
};

/// Takes the time of each of `count` turns, after some that warm up.
template <typename Turn>
void measure_turns(std::size_t count, Turn take_turn) {
  std::vector<double> times;
  for (std::size_t turn = 0; turn < count / 10 + count; ++turn) {
    const auto start = Clock::now();
    take_turn();
    if (turn >= count / 10) times.push_back(microseconds_since(start));
  }
  std::sort(times.begin(), times.end());
  std::printf("%.1f %.1f\n", times[count / 2], times[count * 99 / 100]);
}

void measure_rtt(const std::string& where, std::size_t count) {
  Channel channel(where, 'e', count / 10 + count);
  measure_turns(count, [&] {
    channel.write("x", 1);
    channel.read(1);
  });
}

void measure_opening(const std::string& where, std::size_t count) {
  measure_turns(count, [&] {
    Channel channel(where, 'e', 1);
    channel.write("x", 1);
    channel.read(1);
  });
}

void hold(const std::string& where, std::size_t count) {
  std::vector<std::unique_ptr<Channel>> channels;
  for (std::size_t i = 0; i < count; ++i) {
    Channel& channel = *channels.emplace_back(std::make_unique<Channel>(where, 'e', 2));
    channel.write("x", 1);
    channel.read(1);
  }
  std::puts("open");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

void await_exit(int socket) {
  FrameHeader header{};
  while (header.type != exit_frame) {
    read_all(socket, reinterpret_cast<char*>(&header), sizeof header);
    drain(socket, ntohl(header.length));
  }
  ::close(socket);
}

void measure_runs(const std::string& path, std::size_t count) {
  measure_turns(count, [&] { await_exit(start_exec(path, "nothing")); });
}

void measure_crowd(const std::string& path, std::size_t count) {
  const auto start = Clock::now();
  std::vector<int> sockets;
  for (std::size_t i = 0; i < count; ++i) sockets.push_back(ask_for_exec(path, "nothing"));
  for (const int socket : sockets) {
    await_stream(socket);
    await_exit(socket);
  }
  std::printf("%.1f\n", microseconds_since(start) / 1e3);
}

/// A command of qemu-guest-agent, and its answer.
std::string ask_agent(int socket, const std::string& command) {
  write_all(socket, command.data(), command.size());
  return read_until(socket, "\n");
}

void measure_agent(const std::string& path, std::size_t count) {
  const int socket = connect_unix(path);
  // It answers to nothing before it runs.
  ask_agent(socket, "{\"execute\":\"guest-ping\"}\n");
  measure_turns(count, [&] {
    const std::string started = ask_agent(
        socket,
        "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/bench_peer\",\"arg\":[\"nothing\"]}}\n");
    const auto pid = started.find("\"pid\": ");
    if (pid == std::string::npos) fail(started.c_str());
    const std::string status = "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":" +
                               std::to_string(std::atoi(started.c_str() + pid + 7)) + "}}\n";
    while (ask_agent(socket, status).find("\"exited\": true") == std::string::npos) {
    }
  });
  ::close(socket);
}

void measure_throughput(const std::string& where, char kind, std::uint64_t mebibytes) {
  const auto start = Clock::now();
  Channel channel(where, kind, mebibytes * mebibyte);
  static char block[block_size];
  for (std::uint64_t sent = 0; kind == 's' && sent < mebibytes * mebibyte; sent += block_size)
    channel.write(block, block_size);
  channel.read(kind == 's' ? 1 : mebibytes * mebibyte);
  std::printf("%.1f\n", static_cast<double>(mebibytes) / (microseconds_since(start) / 1e6));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  std::signal(SIGPIPE, SIG_IGN);
  if (role == "nothing") return 0;
  if (role == "stdio") {
    answer(STDIN_FILENO, STDOUT_FILENO);
    return 0;
  }
  if (role == "serve" && argc > 2) {
    if (argc > 3) give_address(argv[3]);
    serve(std::atoi(argv[2]));
  }
  const int amount = argc > 3 ? std::atoi(argv[3]) : 0;
  if (amount > 0) {
    const auto count = static_cast<std::size_t>(amount);
    if (role == "rtt") return measure_rtt(argv[2], count), 0;
    if (role == "open") return measure_opening(argv[2], count), 0;
    if (role == "hold") return hold(argv[2], count), 0;
    if (role == "run") return measure_runs(argv[2], count), 0;
    if (role == "crowd") return measure_crowd(argv[2], count), 0;
    if (role == "agent") return measure_agent(argv[2], count), 0;
    if (role == "send" || role == "receive") return measure_throughput(argv[2], role.front(), count), 0;
  }
  std::fputs(
      "usage: bench_peer serve PORT [ADDRESS] | stdio | nothing\n"
      "       bench_peer rtt|open|hold WHERE COUNT | run|crowd|agent SOCKET COUNT |\n"
      "       bench_peer send|receive WHERE MIB\n",
      stderr);
  return 2;
}
