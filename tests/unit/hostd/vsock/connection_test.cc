#include "hostd/vsock/connection.h"

#include <catch2/catch.hpp>

namespace kestrel::hostd::vsock::test {

namespace {

constexpr ConnectionId id{.host_port = 100, .guest_port = 200};
constexpr std::uint32_t window = 256 * 1024;
constexpr MonotonicTime start{seconds(1000)};

PacketHeader from_guest(Operation operation, std::uint32_t length = 0, std::uint32_t flags = 0,
                        std::uint32_t buffer_size = 1000) {
  return {.source_cid = 3,
          .destination_cid = host_cid,
          .source_port = id.guest_port,
          .destination_port = id.host_port,
          .length = length,
          .operation = operation,
          .flags = flags,
          .buffer_size = buffer_size};
}

Connection open_connection() {
  Connection connection = Connection::to_guest(id, window, start);
  static_cast<void>(connection.take_control(3));
  static_cast<void>(connection.on_packet(from_guest(Operation::response)));
  return connection;
}

using Reaction = Connection::Reaction;

}  // namespace

TEST_CASE("a connection of the host asks once, and opens when the guest accepts", "[vsock]") {
  Connection connection = Connection::to_guest(id, window, start);
  CHECK(connection.deadline() == start + accept_timeout);
  REQUIRE(connection.has_control());
  const PacketHeader request = connection.take_control(3);
  CHECK(request.operation == Operation::request);
  CHECK(request.source_cid == host_cid);
  CHECK(request.destination_cid == 3);
  CHECK(request.source_port == 100);
  CHECK(request.destination_port == 200);
  CHECK(request.buffer_size == window);
  CHECK_FALSE(connection.has_control());
  CHECK(connection.sendable() == 0);
  CHECK(connection.on_packet(from_guest(Operation::response)) == Reaction::opened);
  CHECK(connection.is_open());
  CHECK(connection.sendable() == 1000);
  CHECK_FALSE(connection.deadline());
}

TEST_CASE("a connection of the guest is answered before anything is sent on it", "[vsock]") {
  Connection connection = Connection::from_guest(from_guest(Operation::request), window);
  CHECK(connection.sendable() == 0);
  CHECK(connection.take_control(3).operation == Operation::response);
  CHECK(connection.sendable() == 1000);
}

TEST_CASE("what is sent uses up the guest's window, and one request asks for more", "[vsock]") {
  Connection connection = open_connection();
  CHECK(connection.take_data(3, 600).length == 600);
  CHECK(connection.sendable() == 400);
  CHECK_FALSE(connection.has_control());
  static_cast<void>(connection.take_data(3, 400));
  CHECK(connection.sendable() == 0);
  CHECK(connection.take_control(3).operation == Operation::credit_request);
  CHECK_FALSE(connection.has_control());
  PacketHeader update = from_guest(Operation::credit_update);
  update.forwarded_bytes = 700;
  static_cast<void>(connection.on_packet(update));
  CHECK(connection.sendable() == 700);
}

TEST_CASE("credit arithmetic survives the wrap of its counters", "[vsock]") {
  GuestWindow guest;
  HostWindow host(window);
  std::uint32_t total = 0;
  PacketHeader header = from_guest(Operation::credit_update);
  header.buffer_size = 0x10000;
  for (int i = 0; i < 70000; ++i) {
    header.forwarded_bytes = total;
    guest.update(header);
    REQUIRE(guest.free() == 0x10000);
    guest.use(0x10000);
    REQUIRE(guest.free() == 0);
    total += 0x10000;
    REQUIRE(host.receive(0x10000));
    host.forward(0x10000);
  }
  CHECK(host.receive(window));
  CHECK_FALSE(host.receive(1));
}

TEST_CASE("nonsense about credit gives none", "[vsock]") {
  GuestWindow guest;
  PacketHeader header = from_guest(Operation::credit_update);
  guest.use(100);
  header.forwarded_bytes = 101;  // more than was ever sent
  guest.update(header);
  CHECK(guest.free() == 0);
  header.forwarded_bytes = 100;
  header.buffer_size = 0;
  guest.update(header);
  CHECK(guest.free() == 0);
  header.buffer_size = 0xffffffff;
  guest.update(header);
  CHECK(guest.free() == 0xffffffff);
}

TEST_CASE("the guest is told of its credit when half a window has gone through, or when it asks", "[vsock]") {
  Connection connection = open_connection();
  const PacketHeader data = from_guest(Operation::data, 60000, 0, window);
  for (int i = 0; i < 2; ++i) {
    CHECK(connection.on_packet(data) == Reaction::deliver);
    connection.forwarded(60000);
    CHECK_FALSE(connection.has_control());
  }
  static_cast<void>(connection.on_packet(data));
  connection.forwarded(60000);
  const PacketHeader update = connection.take_control(3);
  CHECK(update.operation == Operation::credit_update);
  CHECK(update.forwarded_bytes == 180000);
  CHECK_FALSE(connection.has_control());
  static_cast<void>(connection.on_packet(from_guest(Operation::credit_request)));
  CHECK(connection.take_control(3).operation == Operation::credit_update);
}

TEST_CASE("a guest that sends no more than its own buffer holds is told in time", "[vsock]") {
  Connection connection = open_connection();
  static_cast<void>(connection.on_packet(from_guest(Operation::data, 499)));
  connection.forwarded(499);
  CHECK_FALSE(connection.has_control());
  static_cast<void>(connection.on_packet(from_guest(Operation::data, 501)));
  connection.forwarded(501);
  CHECK(connection.take_control(3).operation == Operation::credit_update);
  CHECK_FALSE(connection.has_control());
}

TEST_CASE("any packet answers a request for credit", "[vsock]") {
  Connection connection = open_connection();
  static_cast<void>(connection.on_packet(from_guest(Operation::credit_request)));
  static_cast<void>(connection.take_data(3, 1));
  CHECK_FALSE(connection.has_control());
}

TEST_CASE("halves the host ends are told one by one, and each once", "[vsock]") {
  Connection connection = open_connection();
  connection.end_host({.receive = false, .send = true}, start);
  CHECK(connection.sendable() == 0);
  CHECK(connection.take_control(3).flags == 2);
  CHECK_FALSE(connection.has_control());
  CHECK(connection.on_packet(from_guest(Operation::data, 5)) == Reaction::deliver);
  connection.end_host({.receive = true, .send = false}, start);
  CHECK(connection.deadline() == start + farewell_timeout);
  CHECK(connection.take_control(3).flags == 3);
  CHECK_FALSE(connection.has_control());
}

TEST_CASE("data for a host that receives no more is thrown away", "[vsock]") {
  Connection connection = open_connection();
  connection.end_host({.receive = true, .send = false}, start);
  CHECK(connection.on_packet(from_guest(Operation::data, 5)) == Reaction::discard);
  CHECK(connection.is_open());
}

TEST_CASE("in the farewell late data and credit are ignored, and a reset or a close ends it", "[vsock]") {
  const auto last = GENERATE(Operation::reset, Operation::shutdown);
  Connection connection = open_connection();
  connection.end_host({.receive = true, .send = true}, start);
  static_cast<void>(connection.take_control(3));
  CHECK(connection.on_packet(from_guest(Operation::data, 5)) == Reaction::discard);
  static_cast<void>(connection.on_packet(from_guest(Operation::credit_update)));
  CHECK_FALSE(connection.is_over());
  static_cast<void>(connection.on_packet(from_guest(last, 0, 3)));
  CHECK(connection.is_over());
  CHECK(connection.is_reset_due() == (last == Operation::shutdown));
}

TEST_CASE("a guest that ends what the host would end is not told", "[vsock]") {
  Connection connection = open_connection();
  static_cast<void>(connection.on_packet(from_guest(Operation::shutdown, 0, 2)));
  CHECK(connection.guest_ended() == Halves{.receive = false, .send = true});
  connection.end_host({.receive = true, .send = false}, start);
  CHECK_FALSE(connection.has_control());
}

TEST_CASE("a guest that ended both halves gets its reset", "[vsock]") {
  Connection connection = open_connection();
  static_cast<void>(connection.on_packet(from_guest(Operation::shutdown, 0, 1)));
  CHECK(connection.is_open());
  static_cast<void>(connection.on_packet(from_guest(Operation::shutdown, 0, 2)));
  CHECK(connection.guest_closed());
  CHECK(connection.is_reset_due());
}

TEST_CASE("a reset ends a connection in any state, and is not answered", "[vsock]") {
  Connection requested = Connection::to_guest(id, window, start);
  Connection open = open_connection();
  for (Connection* connection : {&requested, &open}) {
    static_cast<void>(connection->on_packet(from_guest(Operation::reset)));
    CHECK(connection->is_over());
    CHECK_FALSE(connection->is_reset_due());
    CHECK_FALSE(connection->has_control());
  }
}

TEST_CASE("windows are smaller where there are many connections", "[vsock]") {
  CHECK(receive_window(0) == 1024 * 1024);
  CHECK(receive_window(15) == 1024 * 1024);
  CHECK(receive_window(16) == 256 * 1024);
  CHECK(receive_window(127) == 256 * 1024);
  CHECK(receive_window(128) == 64 * 1024);
}

}  // namespace kestrel::hostd::vsock::test
