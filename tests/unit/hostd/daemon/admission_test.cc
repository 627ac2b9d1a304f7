#include "hostd/daemon/admission.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "kestrel/sys/fd.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

constexpr const char* token = "0123456789abcdef0123456789abcdef";

int status_with(const char* header) {
  wire::Request request;
  if (header != nullptr) request.headers.emplace_back("authorization", header);
  const auto refusal = guard_by_token(token)(request, -1);
  return refusal ? refusal->status : 200;
}

std::string listen_refusal(const char* text) {
  const auto parsed = parse_listen_address(text, Transport::plain);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("our own user is admitted by what the kernel says of him", "[hostd]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const sys::UniqueFd one(ends[0]), other(ends[1]);
  CHECK_FALSE(guard_by_peer()({}, one.get()));
}

TEST_CASE("who cannot be told is not admitted", "[hostd]") {
  const auto refusal = guard_by_peer()({}, -1);
  REQUIRE(refusal);
  CHECK(refusal->status == 403);
}

TEST_CASE("the token admits, and nothing else does", "[hostd]") {
  CHECK(status_with("Bearer 0123456789abcdef0123456789abcdef") == 200);
  CHECK(status_with(nullptr) == 401);
  CHECK(status_with("") == 401);
  CHECK(status_with("Bearer ") == 401);
  CHECK(status_with("Bearer 0123456789abcdef0123456789abcdeX") == 401);
  CHECK(status_with("Bearer 0123456789abcdef0123456789abcde") == 401);
  CHECK(status_with("Bearer 0123456789abcdef0123456789abcdef0") == 401);
  CHECK(status_with("0123456789abcdef0123456789abcdef") == 401);
  CHECK(status_with("Basic 0123456789abcdef0123456789abcdef") == 401);
}

TEST_CASE("a refusal says how to be admitted", "[hostd]") {
  const auto refusal = guard_by_token(token)({}, -1);
  REQUIRE(refusal);
  CHECK(wire::find_header(refusal->headers, "WWW-Authenticate") == "Bearer");
}

TEST_CASE("secrets are the same only if every byte is", "[hostd]") {
  CHECK(is_same_secret("abc", "abc"));
  CHECK(is_same_secret("", ""));
  CHECK_FALSE(is_same_secret("abc", "abd"));
  CHECK_FALSE(is_same_secret("abc", "xbc"));
  CHECK_FALSE(is_same_secret("abc", "ab"));
  CHECK_FALSE(is_same_secret("abc", "abcd"));
  CHECK_FALSE(is_same_secret(std::string_view("\0\0", 2), "ab"));
}

TEST_CASE("with TLS hostd listens on any address that is a number", "[hostd]") {
  const auto any = parse_listen_address("0.0.0.0:7777", Transport::tls);
  REQUIRE(any);
  CHECK(any->address == "0.0.0.0");
  const auto named = parse_listen_address("example.org:7777", Transport::tls);
  REQUIRE_FALSE(named);
  CHECK(named.error().message == "cannot listen on `example.org:7777`: its address is no number");
}

TEST_CASE("without TLS hostd listens on loopback, by number, and nowhere else", "[hostd]") {
  const auto four = parse_listen_address("127.0.0.1:7777", Transport::plain);
  REQUIRE(four);
  CHECK(four->address == "127.0.0.1");
  CHECK(four->port == 7777);
  const auto six = parse_listen_address("[::1]:0", Transport::plain);
  REQUIRE(six);
  CHECK(six->address == "::1");
  for (const char* beyond : {"0.0.0.0:7777", "[::]:7777", "192.168.0.1:7777", "localhost:7777", ":7777",
                             "1127.0.0.1:7777", "[::ffff:10.0.0.1]:80", "127.0.0.1.example.org:7777"}) {
    INFO(beyond);
    CHECK(listen_refusal(beyond).find("beyond loopback") != std::string::npos);
  }
  CHECK(listen_refusal("7777").find("it is not ADDRESS:PORT") != std::string::npos);
  for (const char* wrong : {"127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1"})
    CHECK(listen_refusal(wrong).find("no number up to 65535") != std::string::npos);
}

TEST_CASE("a token that is not there is made, for its owner alone, and stays", "[hostd]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("token");
  const auto made = read_or_make_token(path);
  REQUIRE(made);
  CHECK(made->size() >= 32);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(*read_or_make_token(path) == *made);
  CHECK(*read_or_make_token(folder.file("other")) != *made);
}

TEST_CASE("a token of one's own is taken without what surrounds it", "[hostd]") {
  const TemporaryFolder folder;
  const std::string path = folder.write("token", "my very own secret\n\n");
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(*read_or_make_token(path) == "my very own secret");
}

TEST_CASE("a token that others can read, or guess, is refused", "[hostd]") {
  const TemporaryFolder folder;
  const std::string path = folder.write("token", token);
  for (const mode_t mode : {0640, 0604, 0660}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(read_or_make_token(path).error().message.find("others can read it") != std::string::npos);
  }
  REQUIRE(::chmod(folder.write("short", "secret\n").c_str(), 0600) == 0);
  CHECK(read_or_make_token(folder.file("short")).error().message.find("at least 16") != std::string::npos);
  CHECK_FALSE(read_or_make_token(folder.file("missing/token")));
}
