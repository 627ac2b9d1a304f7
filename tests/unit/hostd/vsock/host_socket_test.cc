// The Unix sockets: CONNECT for clients of the host, PATH_PORT for connections of the guest.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "hostd/vsock/host_acceptor.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::test {

namespace {

std::string socket_path() { return "/tmp/kestrel-vsock-test." + std::to_string(::getpid()); }

struct VmWithSocket : Vm {
  VmWithSocket() : Vm({.uds_path = socket_path()}) {}

  sys::UniqueFd client(std::string_view line) {
    auto connected = sys::connect_unix(socket_path());
    REQUIRE(connected);
    write_host(*connected, line);
    return std::move(*connected);
  }
  /// What the client has read once its end has come or nothing more happens.
  HostRead outcome(const sys::UniqueFd& fd) {
    settle();
    return read_host(fd);
  }
};

}  // namespace

TEST_CASE("a request line names a port, and nothing else passes", "[vsock]") {
  CHECK(parse_connect_line("CONNECT 1024") == 1024U);
  CHECK(parse_connect_line("CONNECT 0\r") == 0U);
  CHECK(parse_connect_line("CONNECT 4294967295") == 4294967295U);
  for (const char* bad :
       {"", "CONNECT", "CONNECT ", "connect 1", "CONNECT 4294967296", "CONNECT -1", "CONNECT 1 ",
        "CONNECT 1x", "CONNECT  1", "GET / HTTP/1.1", "CONNECT 99999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_connect_line(bad));
  }
}

TEST_CASE("a client that asks for a port is told OK and joined to it", "[vsock]") {
  VmWithSocket vm;
  const auto client = vm.client("CONNECT 700\nand more");
  const Packet request = vm.expect();
  CHECK(request.header.operation == Operation::request);
  CHECK(request.header.destination_port == 700);
  const ConnectionId id{request.header.source_port, 700};
  vm.send(Vm::header(Operation::response, id));
  CHECK(vm.expect().payload == "and more");  // what came in one piece with the request is not lost
  vm.send(Vm::header(Operation::data, id, 5), "hello");
  CHECK(vm.outcome(client).data == "OK " + std::to_string(id.host_port) + "\nhello");
}

TEST_CASE("a request may come in pieces", "[vsock]") {
  VmWithSocket vm;
  const auto client = vm.client("CONN");
  vm.settle();
  write_host(client, "ECT 70");
  vm.settle();
  write_host(client, "0\r\n");
  CHECK(vm.expect().header.destination_port == 700);
}

TEST_CASE("a client that asks for nonsense is closed", "[vsock]") {
  VmWithSocket vm;
  const auto line =
      GENERATE(as<std::string>(), "GET / HTTP/1.1\r\n", "\n", "CONNECT 1234567890123456789012345678901");
  CAPTURE(line);
  CHECK(vm.outcome(vm.client(line)).is_end);
  CHECK(vm.is_sane());
}

TEST_CASE("a client that goes before it asked leaves nothing", "[vsock]") {
  VmWithSocket vm;
  vm.client("CONNECT").reset();
  vm.settle();
  CHECK(vm.is_sane());
}

TEST_CASE("a client is closed where the guest refuses", "[vsock]") {
  VmWithSocket vm;
  const auto client = vm.client("CONNECT 700\n");
  vm.send(Vm::header(Operation::reset, {vm.expect().header.source_port, 700}));
  const HostRead read = vm.outcome(client);
  CHECK(read.data.empty());
  CHECK(read.is_end);
}

TEST_CASE("a client that comes before the guest's driver is closed at once", "[vsock]") {
  FrontEnd vm({.uds_path = socket_path()});
  auto client = sys::connect_unix(socket_path());
  REQUIRE(client);
  write_host(*client, "CONNECT 1\n");
  vm.settle();
  CHECK(read_host(*client).is_end);
}

TEST_CASE("a guest reaches the Unix socket named after the port it asks for", "[vsock]") {
  VmWithSocket vm;
  const std::string path = socket_path() + "_9000";
  const auto listener = sys::listen_unix(path, 0600);
  REQUIRE(listener);
  const ConnectionId id{.host_port = 9000, .guest_port = 5};
  vm.send(Vm::header(Operation::request, id));
  CHECK(vm.expect().header.operation == Operation::response);
  const sys::UniqueFd host(::accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  REQUIRE(host.is_open());
  vm.send(Vm::header(Operation::data, id, 5), "hello");
  CHECK(vm.outcome(host).data == "hello");
  write_host(host, "welcome");
  CHECK(vm.expect().payload == "welcome");
  ::unlink(path.c_str());
}

TEST_CASE("a guest is refused where the listener's backlog is full", "[vsock]") {
  VmWithSocket vm;
  const std::string path = socket_path() + "_9001";
  const auto listener = sys::listen_unix(path, 0600);
  REQUIRE(listener);
  ::listen(listener->get(), 0);
  Packet last;
  for (std::uint32_t port = 1; port <= 8; ++port) {
    vm.send(Vm::header(Operation::request, {.host_port = 9001, .guest_port = port}));
    last = vm.expect();
  }
  CHECK(last.header.operation == Operation::reset);
  ::unlink(path.c_str());
}

TEST_CASE("the socket belongs to its owner alone, and goes with the device", "[vsock]") {
  struct stat status {};
  {
    VmWithSocket vm;
    REQUIRE(::stat(socket_path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
  CHECK(::stat(socket_path().c_str(), &status) != 0);
}

TEST_CASE("a socket path that cannot be used is an error", "[vsock]") {
  loop::Loop loop;
  auto [ours, theirs] = socket_pair();
  const auto device =
      Device::create(loop, {.uds_path = "/nonexistent/v.sock"}, std::move(theirs), [](const Error*) {});
  REQUIRE_FALSE(device);
  CHECK(device.error().message.find("/nonexistent/v.sock") != std::string::npos);
}

}  // namespace kestrel::hostd::vsock::test
