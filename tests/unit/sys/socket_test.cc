#include "kestrel/sys/socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kestrel/base/text.h"

using namespace kestrel;
using namespace kestrel::sys;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/kestrel-socket-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

UniqueFd accept_from(const UniqueFd& listener) {
  pollfd waiting{listener.get(), POLLIN, 0};
  ::poll(&waiting, 1, 1000);
  return UniqueFd(::accept(listener.get(), nullptr, nullptr));
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  ::stat(path.c_str(), &status);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a Unix socket listens with the wanted permissions whatever the umask", "[sys]") {
  Folder folder;
  const auto before = ::umask(077);
  auto listener = listen_unix(folder.path + "/a", 0666);
  ::umask(before);
  REQUIRE(listener);
  CHECK(mode_of(folder.path + "/a") == 0666);
  REQUIRE(listen_unix(folder.path + "/b", 0600));
  CHECK(mode_of(folder.path + "/b") == 0600);
}

TEST_CASE("sockets are non-blocking and close on exec", "[sys]") {
  auto listener = listen_tcp("127.0.0.1", 0);
  REQUIRE(listener);
  CHECK((::fcntl(listener->get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(listener->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a Unix socket can be connected to", "[sys]") {
  Folder folder;
  auto listener = listen_unix(folder.path + "/a", 0600);
  REQUIRE(listener);
  REQUIRE(connect_unix(folder.path + "/a"));
  CHECK(accept_from(*listener).is_open());
}

TEST_CASE("a socket file that nobody serves is replaced", "[sys]") {
  Folder folder;
  const std::string path = folder.path + "/a";
  REQUIRE(listen_unix(path, 0600));  // closed at once, the file stays
  auto again = listen_unix(path, 0600);
  REQUIRE(again);
  CHECK(connect_unix(path));
}

TEST_CASE("a socket file that is served is left alone", "[sys]") {
  Folder folder;
  const std::string path = folder.path + "/a";
  auto first = listen_unix(path, 0600);
  REQUIRE(first);
  auto second = listen_unix(path, 0600);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == EADDRINUSE);
  CHECK(second.error().message == "cannot listen on " + path + ": Address already in use");
  CHECK(connect_unix(path));
}

TEST_CASE("a file that is no socket is never removed by listening on it", "[sys]") {
  Folder folder;
  const std::string path = folder.path + "/precious";
  std::ofstream(path) << "data";
  CHECK_FALSE(listen_unix(path, 0600));
  CHECK(std::filesystem::file_size(path) == 4);
}

TEST_CASE("a Unix path of 107 bytes fits and one of 108 is refused with its length", "[sys]") {
  Folder folder;
  const std::string longest =
      folder.path + "/" + std::string(longest_unix_path - folder.path.size() - 1, 'x');
  CHECK(listen_unix(longest, 0600));
  auto refused = listen_unix(longest + "x", 0600);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ENAMETOOLONG);
  CHECK(refused.error().message.find("108 bytes, at most 107 fit") != std::string::npos);
}

TEST_CASE("connecting to a Unix path that does not exist names the path and the cause", "[sys]") {
  auto refused = connect_unix("/nowhere/at.all");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "cannot connect to /nowhere/at.all: No such file or directory");
}

TEST_CASE("a full backlog of a Unix socket is an error and not a wait", "[sys]") {
  Folder folder;
  auto listener = listen_unix(folder.path + "/a", 0600);
  REQUIRE(listener);
  REQUIRE(::listen(listener->get(), 0) == 0);
  REQUIRE(connect_unix(folder.path + "/a"));
  auto second = connect_unix(folder.path + "/a");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == EAGAIN);
}

TEST_CASE("TCP port 0 picks a free port that can be connected to", "[sys]") {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    auto listener = listen_tcp(address, 0);
    if (!listener && address == "::1") continue;  // a machine without IPv6
    REQUIRE(listener);
    auto port = bound_tcp_port(*listener);
    REQUIRE(port);
    CHECK(*port != 0);
    REQUIRE(connect_tcp(address, *port));
    CHECK(accept_from(*listener).is_open());
  }
}

TEST_CASE("a TCP port in use is an error with address and port", "[sys]") {
  auto first = listen_tcp("127.0.0.1", 0);
  REQUIRE(first);
  const auto port = *bound_tcp_port(*first);
  auto second = listen_tcp("127.0.0.1", port);
  REQUIRE_FALSE(second);
  CHECK(second.error().message == concat("cannot listen on 127.0.0.1:", port, ": Address already in use"));
}

TEST_CASE("a name or nonsense is no TCP address", "[sys]") {
  for (const std::string address : {"localhost", "", "1.2.3", "1.2.3.4.5", "127.0.0.1 ", "fe80::zz"}) {
    auto refused = connect_tcp(address, 80);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == EINVAL);
  }
}

TEST_CASE("the port of a Unix socket and the CID of a TCP socket are errors", "[sys]") {
  Folder folder;
  auto listener = listen_unix(folder.path + "/a", 0600);
  REQUIRE(listener);
  CHECK_FALSE(bound_tcp_port(*listener));
  CHECK_FALSE(bound_vsock_port(*listener));
  CHECK_FALSE(vsock_peer_cid(listener->get()));
  CHECK_FALSE(vsock_peer_cid(-1));
}

TEST_CASE("disabling Nagle's delay works on TCP and does nothing elsewhere", "[sys]") {
  Folder folder;
  auto unix_socket = listen_unix(folder.path + "/a", 0600);
  REQUIRE(unix_socket);
  disable_nagle(unix_socket->get());
  auto tcp = listen_tcp("127.0.0.1", 0);
  REQUIRE(tcp);
  disable_nagle(tcp->get());
}
