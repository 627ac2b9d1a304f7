// Many bytes, many connections, and peers that do not keep up.
#include <catch2/catch.hpp>
#include <map>

#include "hostd/vsock/credit.h"
#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::test {

namespace {

constexpr std::size_t bulk = 64 << 20;

/// A stream of bytes and its checksum (FNV-1a), which both ends compute on their own.
class Stream {
 public:
  std::string next(std::size_t count) {
    std::string out(count, '\0');
    for (char& byte : out) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      byte = static_cast<char>(state_ >> 56);
    }
    return out;
  }

 private:
  std::uint64_t state_ = 1;
};

struct Checksum {
  std::uint64_t value = 14695981039346656037ULL;
  std::size_t bytes = 0;

  void add(std::string_view data) {
    for (const char byte : data) value = (value ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
    bytes += data.size();
  }
  friend bool operator==(const Checksum&, const Checksum&) = default;
};

}  // namespace

TEST_CASE("64 MiB reach the guest whole and in order", "[vsock][bulk]") {
  Vm vm;
  auto [id, host] = vm.open();
  Stream stream;
  Checksum sent;
  Checksum received;
  std::string waiting;
  const bool is_complete = vm.run_until([&] {
    for (;;) {
      if (waiting.empty() && sent.bytes < bulk) {
        waiting = stream.next(65536);
        sent.add(waiting);
      }
      const std::size_t count = write_host(host, waiting);
      waiting.erase(0, count);
      if (count == 0) break;
    }
    while (const auto packet = vm.receive()) {
      if (packet->header.operation != Operation::data) continue;
      received.add(packet->payload);
    }
    PacketHeader update = Vm::header(Operation::credit_update, id);
    update.forwarded_bytes = static_cast<std::uint32_t>(received.bytes);
    vm.send(update);
    return received.bytes == bulk;
  });
  CHECK(is_complete);
  CHECK(received == sent);
  CHECK(vm.device->stats().bytes_to_guest == bulk);
}

TEST_CASE("64 MiB reach the host whole and in order, from a guest that keeps to its credit",
          "[vsock][bulk]") {
  Vm vm;
  auto [id, host] = vm.open();
  Stream stream;
  Checksum sent;
  Checksum received;
  std::size_t window_end = 0;
  const auto learn = [&](const PacketHeader& header) {
    window_end = header.buffer_size + (sent.bytes & ~0xffffffffULL) + header.forwarded_bytes;
  };
  vm.send(Vm::header(Operation::credit_request, id));
  learn(vm.expect().header);
  std::size_t most_buffered = 0;
  const bool is_complete = vm.run_until([&] {
    while (const auto packet = vm.receive()) learn(packet->header);
    while (sent.bytes < bulk && sent.bytes + 65536 <= window_end) {
      const std::string part = stream.next(65536);
      sent.add(part);
      vm.send(Vm::header(Operation::data, id, 65536), part);
    }
    received.add(read_host(host).data);
    most_buffered = std::max(most_buffered, vm.device->stats().buffered_bytes);
    return received.bytes == bulk;
  });
  CHECK(is_complete);
  CHECK(received == sent);
  CHECK(most_buffered <= receive_window(0));
}

TEST_CASE("200 connections at once each get their own bytes", "[vsock][bulk]") {
  Vm vm;
  std::map<std::uint32_t, Vm::Opened> opened;
  for (std::uint32_t port = 1; port <= 200; ++port) opened.emplace(port, vm.open(port));
  CHECK(vm.device->stats().connections == 200);
  const auto text = [](std::uint32_t port) { return std::string(5000, static_cast<char>('A' + port % 26)); };
  for (auto& [port, one] : opened) {
    CHECK(write_host(one.host, text(port)) == 5000);
    vm.send(Vm::header(Operation::data, one.id, 5000), text(port + 1));
  }
  std::map<std::uint32_t, std::string> at_guest;
  std::size_t total = 0;
  CHECK(vm.run_until([&] {
    while (const auto packet = vm.receive()) {
      at_guest[packet->header.destination_port] += packet->payload;
      total += packet->payload.size();
    }
    return total == 200 * 5000;
  }));
  for (auto& [port, one] : opened) {
    CHECK(at_guest[port] == text(port));
    CHECK(read_host(one.host).data == text(port + 1));
  }
}

TEST_CASE("connections take turns: a busy one does not keep a quiet one waiting", "[vsock][bulk]") {
  Vm vm({.ring_size = 8});
  auto busy = vm.open(1);
  auto quiet = vm.open(2);
  // More than the ring holds, before the device gets a turn.
  write_host(busy.host, std::string(100000, 'b'));
  write_host(quiet.host, "q");
  int packets_before = 0;
  for (Packet packet = vm.expect(); packet.header.destination_port != 2; packet = vm.expect())
    ++packets_before;
  // What filled the ring before the quiet one was seen, and a turn of the busy one.
  CHECK(packets_before <= 9);
}

TEST_CASE("a host that does not read makes the guest wait, and costs one window", "[vsock][bulk]") {
  Vm vm;
  auto stalled = vm.open(1);
  std::size_t sent = 0;
  std::uint32_t free = receive_window(0);
  // Sends as long as it is told of credit.
  while (free >= 4096) {
    vm.send(Vm::header(Operation::data, stalled.id, 4096), std::string(4096, 's'));
    sent += 4096;
    free -= 4096;
    vm.settle();
    while (const auto packet = vm.receive()) {
      free = packet->header.buffer_size - (static_cast<std::uint32_t>(sent) - packet->header.forwarded_bytes);
    }
    REQUIRE(sent < 4 << 20);
  }
  CHECK(vm.device->stats().buffered_bytes <= receive_window(0));
  CHECK(vm.device->stats().buffered_bytes > 0);
  CHECK(vm.is_sane());  // nobody else waits
  CHECK(vm.run_until([&] {
    sent -= read_host(stalled.host).data.size();
    return sent == 0;
  }));
  CHECK(vm.device->stats().buffered_bytes == 0);
}

TEST_CASE("a guest that does not read makes the host wait, and costs nothing", "[vsock][bulk]") {
  Vm vm;
  auto stalled = vm.open(1);
  std::size_t received = 0;
  const std::string part(65536, 'h');
  for (int i = 0; i < 200; ++i) {
    write_host(stalled.host, part);
    vm.turn();
    while (const auto packet = vm.receive()) received += packet->payload.size();
  }
  CHECK(received == 256 * 1024);  // the window the guest gave
  CHECK(vm.device->stats().buffered_bytes == 0);
  CHECK(vm.is_sane());
}

TEST_CASE("a guest without receive buffers makes the host wait, and nothing is lost", "[vsock][bulk]") {
  Vm vm({.ring_size = 2});
  auto [id, host] = vm.open();
  write_host(host, "0123456789");
  vm.settle();
  static_cast<void>(vm.expect());
  // Both buffers are used and not offered again.
  for (int i = 0; i < 4; ++i) {
    write_host(host, std::to_string(i));
    vm.settle();
  }
  std::string received;
  CHECK(vm.run_until([&] {
    while (const auto packet = vm.receive()) received += packet->payload;
    return received == "0123";
  }));
}

}  // namespace kestrel::hostd::vsock::test
