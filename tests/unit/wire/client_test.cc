#include "kestrel/wire/client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>

#include "kestrel/sys/socket.h"

namespace kestrel::wire {
namespace {

/// A server that has said all it will say before the client asks: kernel buffers stand in for a second
/// thread.
class Server {
 public:
  Server() {
    char folder[] = "/tmp/kestrel-client-XXXXXX";
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/api.sock";
    listener_ = std::move(*sys::listen_unix(path_, 0600));
  }
  ~Server() {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  ApiClient meet() {
    auto client = ApiClient::connect_unix(path_, milliseconds(20));
    peer_ = sys::UniqueFd(::accept(listener_.get(), nullptr, nullptr));
    return std::move(*client);
  }
  void say(std::string_view bytes) {
    REQUIRE(::write(peer_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void half_close() { ::shutdown(peer_.get(), SHUT_WR); }
  void close() { peer_.reset(); }
  std::string heard() {
    char buffer[65536];
    const auto count = ::recv(peer_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }

 private:
  std::string folder_;
  std::string path_;
  sys::UniqueFd listener_;
  sys::UniqueFd peer_;
};

const Request get{.method = "GET", .target = "/v1/info", .headers = {}, .body = {}};

}  // namespace

TEST_CASE("a client asks and has the answer, several times over one connection", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
  auto first = client.request(get);
  REQUIRE(first);
  CHECK(first->status == 200);
  CHECK(first->body == "one");
  CHECK(server.heard() == "GET /v1/info HTTP/1.1\r\nHost: kestrel\r\n\r\n");
  server.say("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\ntwo");
  auto second = client.request(get);
  REQUIRE(second);
  CHECK(second->status == 404);
  CHECK(second->body == "two");
}

TEST_CASE("an answer whose body ends with the connection is whole", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("HTTP/1.1 200 OK\r\n\r\nall of it");
  server.half_close();
  CHECK(client.request(get).value().body == "all of it");
}

TEST_CASE("an answer to HEAD has no body in spite of its length", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  CHECK(client.request({.method = "HEAD", .target = "/", .headers = {}, .body = {}}).value().body.empty());
}

TEST_CASE("nobody at the path is told with the path and the cause", "[wire]") {
  auto client = ApiClient::connect_unix("/nowhere/api.sock");
  REQUIRE_FALSE(client);
  CHECK(client.error().message == "cannot reach /nowhere/api.sock: No such file or directory");
  CHECK(client.error().code == ENOENT);
}

TEST_CASE("a server that says nothing is given up", "[wire]") {
  Server server;
  auto client = server.meet();
  auto answer = client.request(get);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ETIMEDOUT);
  CHECK(answer.error().message == "cannot reach " + server.path() + ": no answer within 20ms");
}

TEST_CASE("a server that goes away without an answer is told so", "[wire]") {
  Server server;
  auto client = server.meet();
  SECTION("before the request") { server.close(); }
  SECTION("after the request") { server.half_close(); }
  auto answer = client.request(get);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().message.find("closed without an answer") != std::string::npos);
}

TEST_CASE("an answer cut short is an error", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\none");
  server.half_close();
  CHECK_FALSE(client.request(get));
}

TEST_CASE("what is no HTTP is an error", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("SSH-2.0-OpenSSH\r\n\r\n");
  auto answer = client.request(get);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == EBADMSG);
}

TEST_CASE("a refusal that comes before the request is sent whole is still read", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  server.close();
  auto answer = client.request(
      {.method = "POST", .target = "/", .headers = {}, .body = std::string(4 * 1024 * 1024, 'x')});
  REQUIRE(answer);
  CHECK(answer->status == 413);
}

TEST_CASE("a streamed body is handed on without its framing, to its end", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n");
  std::string body;
  auto answer = client.stream(get, [&](std::string_view piece) {
    body += piece;
    return true;
  });
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body.empty());
  CHECK(body == "one two");
}

TEST_CASE("whoever reads a stream can end it", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  int calls = 0;
  REQUIRE(client.stream(get, [&](std::string_view) { return ++calls, false; }));
  CHECK(calls == 1);
}

TEST_CASE("a stream that is refused returns the refusal with its body", "[wire]") {
  Server server;
  auto client = server.meet();
  server.say("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nno api");
  auto answer = client.stream(get, [](std::string_view) {
    FAIL("called");
    return true;
  });
  REQUIRE(answer);
  CHECK(answer->status == 404);
  CHECK(answer->body == "no api");
}

TEST_CASE("a stream that breaks off within a chunk is an error, one that ends with the connection is not",
          "[wire]") {
  Server server;
  auto client = server.meet();
  std::string body;
  const auto collect = [&](std::string_view piece) {
    body += piece;
    return true;
  };
  SECTION("chunked") {
    server.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfou");
    server.half_close();
    CHECK_FALSE(client.stream(get, collect));
  }
  SECTION("until the end") {
    server.say("HTTP/1.1 200 OK\r\n\r\nfou");
    server.half_close();
    CHECK(client.stream(get, collect));
  }
  CHECK(body == "fou");
}

}  // namespace kestrel::wire
