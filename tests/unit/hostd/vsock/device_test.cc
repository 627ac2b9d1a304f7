// What the device does for a guest and a VMM that behave: joining, closing, refusing, pausing, ending.
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::test {

TEST_CASE("a connection of the host carries bytes both ways and closes", "[vsock]") {
  Vm vm;
  CHECK(vm.is_sane());
  CHECK(vm.device->stats().connections == 0);
}

TEST_CASE("it works with any set of ring features the guest takes", "[vsock]") {
  const auto features = GENERATE(all_features, all_features & ~(1ULL << 29), all_features & ~(1ULL << 28),
                                 1ULL << 30 | 1ULL << 28, 1ULL << 30 | 1ULL << 32);
  Vm vm({.features = features});
  CHECK(vm.is_sane());
}

TEST_CASE("rings may have any size, also one larger than the device's own", "[vsock]") {
  const std::uint32_t size = GENERATE(1, 2, 64, 512);
  Vm vm({.ring_size = size});
  CHECK(vm.is_sane());
}

TEST_CASE("the driver is up from the start of both rings to their stop", "[vsock]") {
  FrontEnd vm;
  CHECK_FALSE(vm.device->is_driver_up());
  vm.start();
  CHECK(vm.device->is_driver_up());
  static_cast<void>(vm.stop());
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  CHECK(vm.driver_changes == std::vector{true, false});
}

TEST_CASE("a connection before the driver is up fails and closes the descriptor", "[vsock]") {
  FrontEnd vm;
  auto [ours, theirs] = socket_pair();
  std::optional<Result<void>> outcome;
  vm.device->connect(1, std::move(theirs), {}, [&](Result<void> done) { outcome = std::move(done); });
  CHECK_FALSE(outcome);  // never from inside the caller
  vm.settle();
  REQUIRE(outcome);
  CHECK(outcome->error().code == ENOTCONN);
  CHECK(read_host(ours).is_end);
}

TEST_CASE("a port of the guest without a listener refuses", "[vsock]") {
  Vm vm;
  auto [ours, theirs] = socket_pair();
  std::optional<Result<void>> outcome;
  vm.device->connect(1, std::move(theirs), {}, [&](Result<void> done) { outcome = std::move(done); });
  const Packet request = vm.expect();
  CHECK(request.header.operation == Operation::request);
  CHECK(request.header.destination_port == 1);
  vm.send(Vm::header(Operation::reset, {request.header.source_port, 1}));
  vm.settle();
  REQUIRE(outcome);
  CHECK(outcome->error().code == ECONNREFUSED);
  CHECK(read_host(ours).is_end);
  CHECK(vm.stays_silent());  // a reset is not answered
}

TEST_CASE("a connection of the guest to a port nobody serves is reset", "[vsock]") {
  Vm vm;
  vm.send(Vm::header(Operation::request, {.host_port = 9000, .guest_port = 5}));
  const Packet answer = vm.expect();
  CHECK(answer.header.operation == Operation::reset);
  CHECK(answer.header.source_port == 9000);
  CHECK(answer.header.destination_port == 5);
  CHECK(vm.device->stats().connections == 0);
}

TEST_CASE("the host's half close reaches the guest, which can go on sending", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  write_host(host, "last words");
  ::shutdown(host.get(), SHUT_WR);
  CHECK(vm.expect().payload == "last words");
  const Packet closing = vm.expect();
  CHECK(closing.header.operation == Operation::shutdown);
  CHECK(closing.header.flags == 2);
  vm.send(Vm::header(Operation::data, id, 5), "reply");
  vm.settle();
  const HostRead read = read_host(host);
  CHECK(read.data == "reply");
  CHECK_FALSE(read.is_end);
}

TEST_CASE("the guest's half close reaches the host, which can go on sending", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  vm.send(Vm::header(Operation::data, id, 5), "words");
  vm.send(Vm::shutdown_header(id, 2));
  vm.settle();
  const HostRead read = read_host(host);
  CHECK(read.data == "words");
  CHECK(read.is_end);
  write_host(host, "reply");
  CHECK(vm.expect().payload == "reply");
}

TEST_CASE("after half closes of both sides the guest is told that it is over", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  vm.send(Vm::shutdown_header(id, 2));
  vm.settle();
  ::shutdown(host.get(), SHUT_WR);
  const Packet farewell = vm.expect();
  CHECK(farewell.header.operation == Operation::shutdown);
  CHECK(farewell.header.flags == 3);
  vm.send(Vm::header(Operation::reset, id));
  vm.settle();
  CHECK(vm.device->stats().connections == 0);
}

TEST_CASE("a host that closes is followed by a shutdown of both halves, behind its last bytes", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  write_host(host, std::string(10000, 'x'));
  host.reset();
  std::size_t received = 0;
  Packet packet;
  while ((packet = vm.expect()).header.operation == Operation::data) received += packet.payload.size();
  CHECK(received == 10000);
  CHECK(packet.header.operation == Operation::shutdown);
  CHECK(packet.header.flags == 3);
}

TEST_CASE("a guest that closes is answered at once, and a slow host still gets all that was sent before",
          "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  std::string sent;
  for (int i = 0; i < 4; ++i) {
    const std::string part(60000, static_cast<char>('a' + i));
    vm.send(Vm::header(Operation::data, id, 60000), part);
    sent += part;
  }
  vm.send(Vm::shutdown_header(id, 3));
  Packet packet;
  while ((packet = vm.expect()).header.operation == Operation::credit_update) {
  }
  CHECK(packet.header.operation == Operation::reset);
  CHECK(vm.device->stats().connections == 0);
  CHECK(vm.device->stats().buffered_bytes > 0);
  std::string received;
  bool is_end = false;
  CHECK(vm.run_until([&] {
    HostRead read = read_host(host);
    received += read.data;
    is_end = read.is_end;
    return is_end;
  }));
  CHECK(received == sent);
  CHECK(vm.device->stats().buffered_bytes == 0);
}

TEST_CASE("a host that reads no more makes the guest stop sending, but is still heard", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  ::shutdown(host.get(), SHUT_RD);
  vm.send(Vm::header(Operation::data, id, 1), "x");
  const Packet told = vm.expect();
  CHECK(told.header.operation == Operation::shutdown);
  CHECK(told.header.flags == 1);
  write_host(host, "still here");
  CHECK(vm.expect().payload == "still here");
}

TEST_CASE("connections live through a pause of the VM", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  const auto [rx_base, tx_base] = vm.stop();
  CHECK(rx_base == 1);
  CHECK(tx_base == 1);
  write_host(host, "meanwhile");
  vm.settle();
  vm.start(rx_base, tx_base);
  CHECK(vm.expect().payload == "meanwhile");
}

TEST_CASE("a reboot of the guest ends all connections, and new ones work", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  vm.reboot();
  CHECK(read_host(host).is_end);
  CHECK(vm.device->stats().connections == 0);
  CHECK(vm.is_sane());
}

TEST_CASE("a memory table that comes again leaves everything running", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  vm.set_memory();
  vm.settle();
  write_host(host, "after");
  CHECK(vm.expect().payload == "after");
}

TEST_CASE("the end of the VMM ends the device and its connections", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  vm.hang_up();
  CHECK(vm.run_until([&] { return vm.has_ended; }));
  CHECK(vm.end_reason.empty());
  CHECK(read_host(host).is_end);
  CHECK_FALSE(vm.device->is_driver_up());
  CHECK(vm.driver_changes == std::vector{true, false});
}

TEST_CASE("the device may be destroyed from its own callbacks", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  vm.device->on_driver_change([&](bool) { vm.device.reset(); });
  vm.hang_up();
  CHECK(vm.run_until([&] { return vm.device == nullptr; }));
  CHECK(read_host(host).is_end);
}

TEST_CASE("destroying the device calls no one back", "[vsock]") {
  Vm vm;
  auto [ours, theirs] = socket_pair();
  bool was_called = false;
  vm.device->connect(1, std::move(theirs), {}, [&](const Result<void>&) { was_called = true; });
  vm.device.reset();
  vm.settle();
  CHECK_FALSE(was_called);
  CHECK(read_host(ours).is_end);
}

TEST_CASE("connections beyond the limit are refused on both sides", "[vsock]") {
  Vm vm({.max_connections = 2});
  auto first = vm.open(1);
  auto second = vm.open(2);
  auto [ours, theirs] = socket_pair();
  std::optional<Result<void>> outcome;
  vm.device->connect(3, std::move(theirs), {}, [&](Result<void> done) { outcome = std::move(done); });
  vm.settle();
  REQUIRE(outcome);
  CHECK(outcome->error().code == EMFILE);
  CHECK(vm.stays_silent());
}

TEST_CASE("a TCP socket is joined like any other", "[vsock]") {
  Vm vm;
  const auto listener = sys::listen_tcp("127.0.0.1", 0);
  REQUIRE(listener);
  auto client = sys::connect_tcp("127.0.0.1", *sys::bound_tcp_port(*listener));
  REQUIRE(client);
  sys::UniqueFd accepted;
  CHECK(vm.run_until([&] {
    accepted.reset(::accept(listener->get(), nullptr, nullptr));
    return accepted.is_open();
  }));
  vm.device->connect(80, std::move(accepted), {}, [](const Result<void>&) {});
  const ConnectionId id{vm.expect().header.source_port, 80};
  vm.send(Vm::header(Operation::response, id));
  write_host(*client, "over TCP");
  CHECK(vm.expect().payload == "over TCP");
  vm.send(Vm::header(Operation::data, id, 5), "reply");
  CHECK(vm.run_until([&] { return read_host(*client).data == "reply"; }));

  SECTION("its half close is one") {
    ::shutdown(client->get(), SHUT_WR);
    CHECK(vm.expect().header.flags == 2);
    CHECK(vm.device->stats().connections == 1);
  }
  SECTION("its reset is one") {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client->get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client->reset();
    CHECK(vm.expect().header.operation == Operation::reset);
    CHECK(vm.device->stats().connections == 0);
  }
}

TEST_CASE("a preamble may ask for another connection from its callback", "[vsock]") {
  Vm vm;
  auto first = socket_pair();
  auto second = socket_pair();
  const auto on_reply = [&](std::string_view) {
    vm.device->connect(81, std::move(second.second), {}, [](const Result<void>&) {});
    return PreambleStep{PreambleStep::Verdict::join, 0, {}};
  };
  vm.device->connect(80, std::move(first.second), {"?", on_reply}, [](const Result<void>&) {});
  const ConnectionId id{vm.expect().header.source_port, 80};
  vm.send(Vm::header(Operation::response, id));
  CHECK(vm.expect().payload == "?");
  vm.send(Vm::header(Operation::data, id, 1), "!");
  CHECK(vm.expect().header.destination_port == 81);
  CHECK(read_host(first.first).data == "!");
}

TEST_CASE("a reserved CID is refused", "[vsock]") {
  loop::Loop loop;
  auto [ours, theirs] = socket_pair();
  CHECK_FALSE(Device::create(loop, {.cid = 2}, std::move(theirs), [](const Error*) {}));
}

}  // namespace kestrel::hostd::vsock::test
