// The other end of vsock tests and benches, to be run inside guests: servers to talk to, and clients that
// measure and check. Static, so that any initramfs can carry it; as PID 1 it loads the modules in /modules
// and serves. See `usage`.
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
// Its structures name sockaddr: it must come after <sys/socket.h>.
#include <linux/vm_sockets.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <latch>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr const char* usage = R"(usage: vsock_peer COMMAND ...     (inside a guest only)

Servers, on AF_VSOCK, until killed; each connection has its own thread:
  echo PORT       sends back what it gets; half closes after the peer's half close
  sink PORT       reads to the end, then answers "BYTES CHECKSUM\n"
  source PORT     reads "BYTES\n", sends as many bytes of the test stream, closes
  control PORT    reads one line, a client command as below or "poweroff", and answers with its output
  blast PORT      as source, but the same 64 KiB again and again: for speed alone
  discard PORT    as sink, but answers "BYTES\n" only: for speed alone
  serve PORT      echo on PORT, sink on PORT+1, source on PORT+2, control on PORT+3, blast on PORT+4, discard on PORT+5

Clients; each prints one line and ends with 0 if all was well:
  connect CID PORT               ok or the error's name, and how long it took
  send CID PORT BYTES            sends the test stream, half closes, prints the answer and the speed
  receive CID PORT BYTES         asks for the test stream, checks it, prints the speed
  rtt CID PORT COUNT             one byte to an echo server and back: median, p90 and p99 in microseconds
  storm CID PORT COUNT BYTES     COUNT connections at once, each echoes BYTES with a half close; prints how many did well

As PID 1: loads /modules/* in the order of their names, and then is `serve 7000`.

The test stream is 64-bit words of xorshift64 with the seed 88172645463325252, little-endian. The checksum is over such
words too (the last one filled up with zeros): h = (h ^ word) * 1099511628211, from h = 14695981039346656037; hexadecimal.
)";

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Produces the test stream.
class Stream {
 public:
  void fill(std::vector<char>& buffer) {
    for (std::size_t i = 0; i + 8 <= buffer.size(); i += 8) {
      word_ ^= word_ << 13;
      word_ ^= word_ >> 7;
      word_ ^= word_ << 17;
      std::memcpy(buffer.data() + i, &word_, 8);
    }
  }

 private:
  std::uint64_t word_ = 88172645463325252ULL;
};

class Checksum {
 public:
  void add(const char* data, std::size_t size) {
    bytes_ += size;
    while (pending_ > 0 && size > 0) add_byte(*data++), --size;
    for (; size >= 8; data += 8, size -= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, data, 8);
      add_word(word);
    }
    for (; size > 0; --size) add_byte(*data++);
  }
  [[nodiscard]] std::string text() {
    if (pending_ > 0) add_word(word_);
    char line[64];
    std::snprintf(line, sizeof line, "%llu %016llx\n", static_cast<unsigned long long>(bytes_),
                  static_cast<unsigned long long>(hash_));
    return line;
  }

 private:
  void add_word(std::uint64_t word) { hash_ = (hash_ ^ word) * 1099511628211ULL; }
  void add_byte(char byte) {
    word_ |= std::uint64_t{static_cast<unsigned char>(byte)} << (8 * pending_);
    if (++pending_ < 8) return;
    add_word(word_);
    pending_ = 0;
    word_ = 0;
  }

  std::uint64_t hash_ = 14695981039346656037ULL;
  std::uint64_t word_ = 0;
  std::uint64_t bytes_ = 0;
  int pending_ = 0;
};

constexpr std::size_t chunk = 64 * 1024;

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd, data, size);
    if (count <= 0) return false;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool write_all(int fd, const std::string& text) { return write_all(fd, text.data(), text.size()); }

std::string read_line(int fd) {
  std::string line;
  char byte = 0;
  while (line.size() < 4096 && ::read(fd, &byte, 1) == 1 && byte != '\n') line += byte;
  return line;
}

bool send_stream(int fd, std::uint64_t bytes) {
  Stream stream;
  std::vector<char> buffer(chunk);
  while (bytes > 0) {
    stream.fill(buffer);
    const std::size_t count = std::min<std::uint64_t>(bytes, buffer.size());
    if (!write_all(fd, buffer.data(), count)) return false;
    bytes -= count;
  }
  return true;
}

sockaddr_vm address(unsigned cid, unsigned port) {
  sockaddr_vm to{};
  to.svm_family = AF_VSOCK;
  to.svm_cid = cid;
  to.svm_port = port;
  return to;
}

int connect_to(unsigned cid, unsigned port) {
  const int fd = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_vm to = address(cid, port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

// servers

void echo(int fd) {
  std::vector<char> buffer(chunk);
  for (ssize_t count = 0; (count = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    if (!write_all(fd, buffer.data(), static_cast<std::size_t>(count))) return;
  }
  ::shutdown(fd, SHUT_WR);
  while (::read(fd, buffer.data(), buffer.size()) > 0) {
  }
}

void sink(int fd) {
  Checksum sum;
  std::vector<char> buffer(chunk);
  for (ssize_t count = 0; (count = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    sum.add(buffer.data(), static_cast<std::size_t>(count));
  }
  write_all(fd, sum.text());
}

void discard(int fd) {
  std::uint64_t bytes = 0;
  std::vector<char> buffer(chunk);
  for (ssize_t count = 0; (count = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    bytes += static_cast<std::uint64_t>(count);
  }
  write_all(fd, std::to_string(bytes) + "\n");
}

void blast(int fd) {
  const std::vector<char> buffer(chunk, 'b');
  std::uint64_t rest = std::strtoull(read_line(fd).c_str(), nullptr, 10);
  while (rest > 0) {
    const std::size_t count = std::min<std::uint64_t>(rest, buffer.size());
    if (!write_all(fd, buffer.data(), count)) return;
    rest -= count;
  }
}

void source(int fd) { send_stream(fd, std::strtoull(read_line(fd).c_str(), nullptr, 10)); }

std::string run_client(const std::vector<std::string>& words, bool& is_ok);

void control(int fd) {
  std::istringstream line(read_line(fd));
  std::vector<std::string> words;
  for (std::string word; line >> word;) words.push_back(word);
  if (!words.empty() && words[0] == "poweroff") {
    ::sync();
    ::reboot(LINUX_REBOOT_CMD_POWER_OFF);
    ::reboot(LINUX_REBOOT_CMD_RESTART);  // on machines without ACPI power off, QEMU's -no-reboot ends the VM
  }
  bool is_ok = false;
  write_all(fd, run_client(words, is_ok));
}

void serve_one(unsigned port, void (*handle)(int)) {
  const int listener = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_vm here = address(VMADDR_CID_ANY, port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 ||
      ::listen(listener, 1024) != 0) {
    std::perror("vsock_peer: cannot listen");
    std::exit(1);
  }
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    std::thread([fd, handle] {
      handle(fd);
      ::close(fd);
    }).detach();
  }
}

// clients

std::string speed(std::uint64_t bytes, double seconds) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f MiB/s", static_cast<double>(bytes) / seconds / (1 << 20));
  return text;
}

std::string failed(const char* what) {
  return std::string(what) + " failed: " + strerrorname_np(errno) + "\n";
}

std::string measure_connect(unsigned cid, unsigned port, bool& is_ok) {
  const auto start = Clock::now();
  const int fd = connect_to(cid, port);
  is_ok = fd >= 0;
  const std::string name = is_ok ? "ok" : strerrorname_np(errno);
  const double ms = seconds_since(start) * 1000;
  if (is_ok) ::close(fd);
  return name + " " + std::to_string(ms) + " ms\n";
}

std::string send(unsigned cid, unsigned port, std::uint64_t bytes, bool& is_ok) {
  const int fd = connect_to(cid, port);
  if (fd < 0) return failed("connect");
  const auto start = Clock::now();
  is_ok = send_stream(fd, bytes);
  ::shutdown(fd, SHUT_WR);
  const std::string answer = read_line(fd);
  ::close(fd);
  return answer + " " + speed(bytes, seconds_since(start)) + "\n";
}

std::string receive(unsigned cid, unsigned port, std::uint64_t bytes, bool& is_ok) {
  const int fd = connect_to(cid, port);
  if (fd < 0) return failed("connect");
  write_all(fd, std::to_string(bytes) + "\n");
  const auto start = Clock::now();
  Stream stream;
  std::vector<char> expected(chunk);
  std::vector<char> buffer(chunk);
  std::uint64_t received = 0;
  is_ok = true;
  for (ssize_t count = 1; is_ok && count > 0;) {
    stream.fill(expected);
    std::size_t filled = 0;
    while (filled < chunk && (count = ::read(fd, buffer.data() + filled, chunk - filled)) > 0) {
      filled += static_cast<std::size_t>(count);
    }
    is_ok = std::memcmp(buffer.data(), expected.data(), filled) == 0;
    received += filled;
  }
  ::close(fd);
  is_ok = is_ok && received == bytes;
  return std::to_string(received) + (is_ok ? " ok " : " BAD ") + speed(received, seconds_since(start)) + "\n";
}

std::string round_trips(unsigned cid, unsigned port, std::uint64_t count, bool& is_ok) {
  const int fd = connect_to(cid, port);
  if (fd < 0) return failed("connect");
  std::vector<double> times;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto start = Clock::now();
    char byte = 'x';
    if (::write(fd, &byte, 1) != 1 || ::read(fd, &byte, 1) != 1) return failed("echo");
    times.push_back(seconds_since(start) * 1e6);
  }
  ::close(fd);
  is_ok = !times.empty();
  if (!is_ok) return "nothing measured\n";
  std::sort(times.begin(), times.end());
  char line[96];
  std::snprintf(line, sizeof line, "median %.0f p90 %.0f p99 %.0f us\n", times[times.size() / 2],
                times[times.size() * 9 / 10], times[times.size() * 99 / 100]);
  return line;
}

bool echoes_well(int fd, std::uint64_t bytes) {
  std::thread sender([fd, bytes] {
    send_stream(fd, bytes);
    ::shutdown(fd, SHUT_WR);
  });
  Stream stream;
  std::vector<char> expected((bytes + 7) / 8 * 8);
  for (std::size_t at = 0; at < expected.size(); at += chunk) {
    std::vector<char> part(std::min(chunk, expected.size() - at));
    stream.fill(part);
    std::copy(part.begin(), part.end(), expected.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::vector<char> got(bytes + 1);
  std::size_t filled = 0;
  for (ssize_t count = 1;
       count > 0 && filled<got.size(); filled += count> 0 ? static_cast<std::size_t>(count) : 0) {
    count = ::read(fd, got.data() + filled, got.size() - filled);
  }
  sender.join();
  return filled == bytes && std::equal(got.begin(), got.end() - 1, expected.begin());
}

std::string storm(unsigned cid, unsigned port, std::uint64_t count, std::uint64_t bytes, bool& is_ok) {
  std::atomic<std::uint64_t> good = 0;
  std::latch all_connected(static_cast<std::ptrdiff_t>(count));
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      const int fd = connect_to(cid, port);
      all_connected.arrive_and_wait();  // all connections exist before any is used
      if (fd < 0) return;
      if (echoes_well(fd, bytes)) ++good;
      ::close(fd);
    });
  }
  for (auto& thread : threads) thread.join();
  is_ok = good == count;
  return std::to_string(good) + "/" + std::to_string(count) + " in " + std::to_string(seconds_since(start)) +
         " s\n";
}

std::string run_client(const std::vector<std::string>& words, bool& is_ok) {
  if (words.size() < 3) return usage;
  const auto number = [&](std::size_t i) {
    return i < words.size() ? std::strtoull(words[i].c_str(), nullptr, 10) : 1;
  };
  const auto cid = static_cast<unsigned>(number(1));
  const auto port = static_cast<unsigned>(number(2));
  if (words[0] == "connect") return measure_connect(cid, port, is_ok);
  if (words[0] == "send") return send(cid, port, number(3), is_ok);
  if (words[0] == "receive") return receive(cid, port, number(3), is_ok);
  if (words[0] == "rtt") return round_trips(cid, port, number(3), is_ok);
  if (words[0] == "storm") return storm(cid, port, number(3), number(4), is_ok);
  return usage;
}

// the program

[[noreturn]] void serve_all(unsigned port) {
  std::thread([port] { serve_one(port, echo); }).detach();
  std::thread([port] { serve_one(port + 1, sink); }).detach();
  std::thread([port] { serve_one(port + 2, source); }).detach();
  std::thread([port] { serve_one(port + 4, blast); }).detach();
  std::thread([port] { serve_one(port + 5, discard); }).detach();
  serve_one(port + 3, control);
  std::abort();
}

void load_modules() {
  std::error_code error;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("/modules", error))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (::syscall(SYS_finit_module, fd, "", 0) != 0) std::perror(file.c_str());
    ::close(fd);
  }
}

int run_server(const std::string& kind, unsigned port) {
  if (kind == "echo") serve_one(port, echo);
  if (kind == "sink") serve_one(port, sink);
  if (kind == "source") serve_one(port, source);
  if (kind == "blast") serve_one(port, blast);
  if (kind == "discard") serve_one(port, discard);
  if (kind == "control") serve_one(port, control);
  if (kind == "serve") serve_all(port);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (::getpid() == 1) {
    load_modules();
    std::puts("vsock_peer: serving");
    std::fflush(stdout);
    serve_all(7000);
  }
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2)
    return run_server(words[0], static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)));
  bool is_ok = false;
  const std::string output = run_client(words, is_ok);
  std::fputs(output.c_str(), output == usage ? stderr : stdout);
  return output == usage ? 2 : is_ok ? 0 : 1;
}
