// When the guest is interrupted, and when it is spared.
#include <catch2/catch.hpp>
#include <chrono>

#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::test {

namespace {

constexpr std::uint32_t rx = 0;
constexpr std::uint32_t tx = 1;

/// Sends a byte on a connection and waits until the host has it.
void send_byte(Vm& vm, const FrontEnd::Opened& connection) {
  vm.send(FrontEnd::header(Operation::data, connection.id, 1), "x");
  REQUIRE(vm.run_until([&] { return !read_host(connection.host).data.empty(); }));
}

}  // namespace

TEST_CASE("that packets were taken is told to a guest that waits for it", "[vsock]") {
  Vm vm;
  const auto connection = vm.open();
  vm.tx.set_interrupt_event(vm.tx.used_index());
  static_cast<void>(vm.take_interrupts(tx));
  send_byte(vm, connection);
  CHECK(vm.run_until([&] { return vm.take_interrupts(tx) == 1; }));
}

TEST_CASE("a guest that sends packet by packet is not interrupted for each of them", "[vsock]") {
  Vm vm({.ring_size = 64});
  const auto connection = vm.open();
  static_cast<void>(vm.take_interrupts(tx));
  const auto start = std::chrono::steady_clock::now();
  constexpr std::uint64_t packets = 400;
  for (std::uint64_t i = 0; i < packets; ++i) {
    vm.tx.set_interrupt_event(vm.tx.used_index());  // it has looked at all that came back
    send_byte(vm, connection);
  }
  const auto spent = std::chrono::steady_clock::now() - start;
  // When an eighth of the ring waits, and each millisecond.
  const auto most = packets / 8 + static_cast<std::uint64_t>(spent / std::chrono::milliseconds(1)) + 1;
  CHECK(vm.take_interrupts(tx) <= most);
}

TEST_CASE("what was taken is told before the rings stop", "[vsock]") {
  Vm vm;
  const auto connection = vm.open();
  vm.tx.set_interrupt_event(vm.tx.used_index());
  static_cast<void>(vm.take_interrupts(tx));
  send_byte(vm, connection);
  static_cast<void>(vm.stop());
  CHECK(vm.take_interrupts(tx) == 1);
}

TEST_CASE("a packet for the guest is told at once", "[vsock]") {
  Vm vm;
  const auto connection = vm.open();
  vm.rx.set_interrupt_event(vm.rx.used_index());
  static_cast<void>(vm.take_interrupts(rx));
  write_host(connection.host, "x");
  CHECK(vm.expect().payload == "x");
  CHECK(vm.take_interrupts(rx) == 1);
}

}  // namespace kestrel::hostd::vsock::test
