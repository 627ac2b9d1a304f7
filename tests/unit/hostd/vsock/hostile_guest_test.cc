// What a hostile guest can do with its rings and packets: at worst it loses its own device until it sets it
// up anew.
#include <catch2/catch.hpp>

#include "hostd/vsock/credit.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::test {

namespace {

constexpr std::uint32_t tx_ring = 1;

/// After whatever happened the device is there, and works for a guest that starts anew.
void check_survived(Vm& vm) {
  vm.settle();
  CHECK_FALSE(vm.has_ended);
  vm.reboot();
  CHECK(vm.is_sane());
}

/// The guest offers one descriptor to send; the ring must be broken by it.
void check_breaks_ring(const Descriptor& descriptor) {
  Vm vm;
  vm.tx.offer(0, descriptor);
  vm.kick(tx_ring);
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  check_survived(vm);
}

/// A good header at `scratch`, for descriptors that point to it.
void put_header(Vm& vm, const PacketHeader& header) {
  vm.ram.write(Vm::scratch, encode_packet_header(header));
}

constexpr ConnectionId nobody{.host_port = 77, .guest_port = 88};

}  // namespace

TEST_CASE("a descriptor outside of memory breaks only its ring", "[vsock][hostile]") {
  check_breaks_ring({1ULL << 40, 64, 0, 0});
}

TEST_CASE("a descriptor whose end overflows breaks only its ring", "[vsock][hostile]") {
  check_breaks_ring({~0ULL - 10, 64, 0, 0});
}

TEST_CASE("a descriptor that begins inside of memory and ends outside breaks only its ring",
          "[vsock][hostile]") {
  check_breaks_ring({(16 << 20) - 10, 64, 0, 0});
}

TEST_CASE("a descriptor of 4 GiB breaks only its ring", "[vsock][hostile]") {
  check_breaks_ring({Vm::scratch, 0xffffffff, 0, 0});
}

TEST_CASE("a descriptor without length breaks only its ring", "[vsock][hostile]") {
  check_breaks_ring({Vm::scratch, 0, 0, 0});
}

TEST_CASE("a chain that loops breaks only its ring", "[vsock][hostile]") {
  check_breaks_ring({Vm::scratch, 8, Descriptor::has_next, 0});
}

TEST_CASE("a next descriptor outside of the table breaks only its ring", "[vsock][hostile]") {
  check_breaks_ring({Vm::scratch, 8, Descriptor::has_next, 64});
}

TEST_CASE("a head outside of the table breaks only its ring", "[vsock][hostile]") {
  Vm vm;
  vm.tx.make_available(64);
  vm.kick(tx_ring);
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  check_survived(vm);
}

TEST_CASE("an available index that jumps breaks only its ring", "[vsock][hostile]") {
  Vm vm;
  vm.tx.set_available_index(65);
  vm.kick(tx_ring);
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  check_survived(vm);
}

TEST_CASE("an indirect table outside of memory breaks only its ring", "[vsock][hostile]") {
  check_breaks_ring({1ULL << 40, 32, Descriptor::is_indirect, 0});
}

TEST_CASE("an indirect table that is no whole number of descriptors breaks only its ring",
          "[vsock][hostile]") {
  const std::uint32_t length = GENERATE(15, 17, 40);
  check_breaks_ring({Vm::scratch, length, Descriptor::is_indirect, 0});
}

TEST_CASE("an indirect descriptor with a successor breaks only its ring", "[vsock][hostile]") {
  check_breaks_ring({Vm::scratch, 32, Descriptor::is_indirect | Descriptor::has_next, 1});
}

TEST_CASE("an indirect table in an indirect table breaks only its ring", "[vsock][hostile]") {
  Vm vm;
  vm.ram.write(Vm::scratch, Descriptor{Vm::scratch, 32, Descriptor::is_indirect, 0});
  vm.tx.offer(0, {Vm::scratch, 16, Descriptor::is_indirect, 0});
  vm.kick(tx_ring);
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  check_survived(vm);
}

TEST_CASE("an indirect table that loops breaks only its ring", "[vsock][hostile]") {
  Vm vm;
  vm.ram.write(Vm::scratch, Descriptor{Vm::scratch, 16, Descriptor::has_next, 0});
  vm.tx.offer(0, {Vm::scratch, 16, Descriptor::is_indirect, 0});
  vm.kick(tx_ring);
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  check_survived(vm);
}

TEST_CASE("an indirect descriptor that was not negotiated breaks only its ring", "[vsock][hostile]") {
  Vm vm({.features = 1ULL << 30 | 1ULL << 32});
  vm.tx.offer(0, {Vm::scratch, 32, Descriptor::is_indirect, 0});
  vm.kick(tx_ring);
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  check_survived(vm);
}

TEST_CASE("a readable descriptor behind a writable one breaks only its ring", "[vsock][hostile]") {
  Vm vm;
  vm.tx.offer_chain(0, {{Vm::scratch, 44, Descriptor::is_writable, 0}, {Vm::scratch, 44, 0, 0}});
  vm.kick(tx_ring);
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  check_survived(vm);
}

TEST_CASE("a packet in a writable descriptor is no packet", "[vsock][hostile]") {
  Vm vm;
  put_header(vm, Vm::header(Operation::request, nobody));
  vm.tx.offer(0, {Vm::scratch, 44, Descriptor::is_writable, 0});
  vm.kick(tx_ring);
  CHECK(vm.stays_silent());
  CHECK(vm.is_sane());
  check_survived(vm);
}

TEST_CASE("receive buffers without room break only their ring", "[vsock][hostile]") {
  const auto [length, flags] = GENERATE(std::pair<std::uint32_t, std::uint16_t>{44, Descriptor::is_writable},
                                        std::pair<std::uint32_t, std::uint16_t>{1, Descriptor::is_writable},
                                        std::pair<std::uint32_t, std::uint16_t>{4096, 0});
  Vm vm;
  static_cast<void>(vm.stop());
  vm.rx.clear();
  vm.tx.clear();
  vm.start();
  vm.rx.offer(0, {Vm::rx_buffers, length, flags, 0});
  vm.kick(0);
  auto [ours, theirs] = socket_pair();
  vm.device->connect(5, std::move(theirs), {}, [](const Result<void>&) {});
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  check_survived(vm);
}

TEST_CASE("a chain of many one-byte descriptors is a packet like any other", "[vsock][hostile]") {
  Vm vm;
  auto [id, host] = vm.open();
  put_header(vm, Vm::header(Operation::data, id, 16));
  vm.ram.write_text(Vm::scratch + packet_header_size, "sixteen letters.");
  std::vector<Descriptor> chain;
  for (std::uint64_t i = 0; i < 60; ++i) chain.push_back({Vm::scratch + i, 1, 0, 0});
  vm.tx.offer_chain(0, chain);
  vm.kick(tx_ring);
  vm.settle();
  CHECK(read_host(host).data == "sixteen letters.");
}

TEST_CASE("an indirect chain is a packet like any other, also behind ordinary descriptors", "[vsock]") {
  Vm vm;
  auto [id, host] = vm.open();
  put_header(vm, Vm::header(Operation::data, id, 5));
  vm.ram.write_text(Vm::scratch + packet_header_size, "hello");
  const std::uint64_t table = Vm::scratch + 0x1000;
  vm.ram.write(table, Descriptor{Vm::scratch + 20, 24, Descriptor::has_next, 1});
  vm.ram.write(table + 16, Descriptor{Vm::scratch + 44, 5, 0, 0});
  vm.tx.offer_chain(0, {{Vm::scratch, 20, 0, 0}, {table, 32, Descriptor::is_indirect, 0}});
  vm.kick(tx_ring);
  vm.settle();
  CHECK(read_host(host).data == "hello");
}

TEST_CASE("a packet shorter than a header is dropped", "[vsock][hostile]") {
  Vm vm;
  put_header(vm, Vm::header(Operation::request, nobody));
  vm.tx.offer(0, {Vm::scratch, 43, 0, 0});
  vm.kick(tx_ring);
  CHECK(vm.stays_silent());
  CHECK(vm.is_sane());
}

TEST_CASE("a header that promises more payload than there is resets its connection", "[vsock][hostile]") {
  const std::uint32_t length = GENERATE(6, 65537, 0xffffffff);
  Vm vm;
  auto [id, host] = vm.open();
  vm.send(Vm::header(Operation::data, id, length), "hello");
  CHECK(vm.expect().header.operation == Operation::reset);
  const HostRead read = read_host(host);
  CHECK(read.data.empty());
  CHECK(read.is_end);
  CHECK(vm.is_sane());
}

TEST_CASE("an unknown operation on a connection resets it", "[vsock][hostile]") {
  const auto operation = static_cast<Operation>(GENERATE(0, 8, 0xffff));
  Vm vm;
  auto [id, host] = vm.open();
  vm.send(Vm::header(operation, id));
  CHECK(vm.expect().header.operation == Operation::reset);
  CHECK(vm.is_sane());
}

TEST_CASE("a packet of an unknown type is answered by a reset", "[vsock][hostile]") {
  Vm vm;
  PacketHeader header = Vm::header(Operation::request, nobody);
  header.type = 2;
  vm.send(header);
  CHECK(vm.expect().header.operation == Operation::reset);
  CHECK(vm.is_sane());
}

TEST_CASE("packets from or to somebody else's CID are dropped", "[vsock][hostile]") {
  Vm vm;
  PacketHeader from = Vm::header(Operation::request, nobody);
  from.source_cid = 43;
  PacketHeader to = Vm::header(Operation::request, nobody);
  to.destination_cid = 1;
  vm.send(from);
  vm.send(to);
  CHECK(vm.stays_silent());
  CHECK(vm.is_sane());
}

TEST_CASE("a second request for a live connection resets it", "[vsock][hostile]") {
  Vm vm;
  auto [id, host] = vm.open();
  vm.send(Vm::header(Operation::request, id));
  CHECK(vm.expect().header.operation == Operation::reset);
  CHECK(read_host(host).is_end);
  CHECK(vm.device->stats().connections == 0);
}

TEST_CASE("data for a connection that was not accepted resets it", "[vsock][hostile]") {
  Vm vm;
  auto [ours, theirs] = socket_pair();
  vm.device->connect(5, std::move(theirs), {}, [](const Result<void>&) {});
  const ConnectionId id{vm.expect().header.source_port, 5};
  vm.send(Vm::header(Operation::data, id, 1), "x");
  CHECK(vm.expect().header.operation == Operation::reset);
  CHECK(read_host(ours).is_end);
}

TEST_CASE("data behind the guest's own half close resets the connection", "[vsock][hostile]") {
  Vm vm;
  auto [id, host] = vm.open();
  vm.send(Vm::shutdown_header(id, 2));
  vm.send(Vm::header(Operation::data, id, 1), "x");
  CHECK(vm.expect().header.operation == Operation::reset);
  CHECK(read_host(host).data.empty());
}

TEST_CASE("a guest that sends more than its credit is reset, and no more than the window was kept",
          "[vsock][hostile]") {
  Vm vm;
  auto [id, host] = vm.open();
  const std::string part(60000, 'x');
  int sent = 0;
  std::size_t most_buffered = 0;
  while (vm.device->stats().connections == 1 && sent < 100) {
    vm.send(Vm::header(Operation::data, id, 60000), part);
    vm.settle();
    most_buffered = std::max(most_buffered, vm.device->stats().buffered_bytes);
    ++sent;
  }
  CHECK(sent < 30);
  CHECK(most_buffered <= receive_window(0));
  CHECK(vm.device->stats().buffered_bytes == 0);
  check_survived(vm);
}

TEST_CASE("credit counters that run backwards only starve the guest", "[vsock][hostile]") {
  Vm vm;
  auto [id, host] = vm.open();
  PacketHeader update = Vm::header(Operation::credit_update, id);
  update.forwarded_bytes = 0xfffffff0;
  update.buffer_size = 8;
  vm.send(update);
  vm.settle();
  write_host(host, "starved");
  CHECK(vm.stays_silent());
  vm.send(Vm::header(Operation::credit_update, id));
  CHECK(vm.expect().payload == "starved");
}

TEST_CASE("20,000 packets that nobody may answer hold up only the guest", "[vsock][hostile]") {
  FrontEnd vm;
  vm.start();
  std::uint16_t taken = 0;
  std::size_t resets = 0;
  for (std::uint16_t i = 0; i < vm.tx.size(); ++i) {
    vm.ram.write(Vm::scratch + 64ULL * i, encode_packet_header(Vm::header(Operation::response, {i, i})));
    vm.tx.set_descriptor(i, {Vm::scratch + 64ULL * i, 44, 0, 0});
  }
  // Without receive buffers.
  for (int sent = 0; sent < 20000;) {
    const auto in_ring = static_cast<std::uint16_t>(vm.tx.available_index() - vm.tx.used_index());
    if (in_ring == vm.tx.size()) break;
    vm.tx.make_available(static_cast<std::uint16_t>(sent++ % vm.tx.size()));
    vm.kick(tx_ring);
    vm.turn();
    taken = vm.tx.used_index();
  }
  CHECK(taken < 1000);
  // They are answered as soon as it offers buffers, and those that waited are taken.
  vm.fill_rx();
  CHECK(vm.run_until([&] {
    while (vm.receive()) ++resets;
    return resets == vm.tx.available_index();
  }));
}

TEST_CASE("6,000 requests open no more connections than allowed, and the host still gets through",
          "[vsock][hostile]") {
  const std::string path = "/tmp/kestrel-vsock-test." + std::to_string(::getpid());
  Vm vm({.uds_path = path, .max_connections = 100});
  auto listener = sys::listen_unix(path + "_80", 0600);
  REQUIRE(listener);
  std::size_t refused = 0;
  for (std::uint32_t port = 1; port <= 6000; ++port) {
    vm.send(Vm::header(Operation::request, {.host_port = 80, .guest_port = port}));
    while (const auto packet = vm.receive())
      refused += packet->header.operation == Operation::reset ? 1U : 0U;
    CHECK(vm.device->stats().connections <= 100);
  }
  CHECK(vm.run_until([&] {
    while (const auto packet = vm.receive())
      refused += packet->header.operation == Operation::reset ? 1U : 0U;
    return refused == 5900;
  }));
  ::unlink((path + "_80").c_str());
  check_survived(vm);
}

}  // namespace kestrel::hostd::vsock::test
