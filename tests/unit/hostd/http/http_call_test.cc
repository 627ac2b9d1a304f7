#include "hostd/http/http_call.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <optional>

#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A server of the test's own making: what it was asked, and whatever it says.
struct Bench : LoopBench {
  Bench() {
    auto socket = sys::listen_unix(path, 0600);
    REQUIRE(socket);
    listener = std::move(*socket);
  }
  /// The next connection, when its request has come.
  sys::UniqueFd accept() {
    sys::UniqueFd peer;
    std::optional<Inbox> inbox;
    run_until([&] {
      if (!peer.is_open()) {
        peer = sys::UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (peer.is_open()) inbox.emplace(peer.get());
      }
      return inbox && inbox->has("\r\n\r\n");
    });
    asked = inbox->text();
    return peer;
  }
  static void say(const sys::UniqueFd& peer, std::string_view text) {
    REQUIRE(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  void ask(Duration limit = seconds(10)) {
    wire::Request request;
    request.method = "GET";
    request.target = "/v1/vm";
    calls->ask(path, request, limit,
               [this](Result<wire::Response> response) { answers.push_back(std::move(response)); });
  }
  const Result<wire::Response>& answer() {
    run_until([&] { return answers.size() == 1; });
    REQUIRE_FALSE(answers.empty());
    return answers.front();
  }

  TemporaryFolder folder;
  std::string path = folder.file("http.sock");
  sys::UniqueFd listener;
  std::string asked;
  std::vector<Result<wire::Response>> answers;
  std::optional<HttpCalls> calls{loop};
};

struct Follow {
  explicit Follow(Bench& bench, Duration limit = seconds(10)) {
    wire::Request request;
    request.method = "GET";
    request.target = "/v1/events";
    follow.emplace(bench.loop, bench.path, request, limit,
                   FollowCallbacks{.on_head =
                                       [this](const wire::Response& head, int pid) {
                                         status = head.status;
                                         peer_pid = pid;
                                       },
                                   .on_body =
                                       [this](std::string_view bytes) {
                                         body.append(bytes);
                                         if (body == leave_after) follow.reset();
                                       },
                                   .on_end =
                                       [this](const Error* error) {
                                         ++ends;
                                         code = error == nullptr ? 0 : error->code;
                                       }});
  }
  int status = 0;
  int peer_pid = 0;
  std::string body;
  std::string leave_after = "-";
  int ends = 0;
  int code = -1;
  std::optional<HttpFollow> follow;
};

}  // namespace

TEST_CASE("a request is sent and its answer handed on", "[hostd]") {
  Bench bench;
  bench.ask();
  const auto peer = bench.accept();
  CHECK(bench.asked.starts_with("GET /v1/vm HTTP/1.1\r\n"));
  Bench::say(peer, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n");
  Bench::say(peer, "no");
  REQUIRE(bench.answer());
  CHECK(bench.answer()->status == 404);
  CHECK(bench.answer()->body == "no");
}

TEST_CASE("where nobody listens the call fails, and not from inside", "[hostd]") {
  Bench bench;
  ::unlink(bench.path.c_str());
  bench.ask();
  CHECK(bench.answers.empty());
  CHECK(bench.answer().error().code == ENOENT);
}

TEST_CASE("who does not answer in time is given up", "[hostd]") {
  Bench bench;
  bench.ask(milliseconds(10));
  CHECK(bench.answer().error().code == ETIMEDOUT);
}

TEST_CASE("a connection that is closed without an answer is an error", "[hostd]") {
  Bench bench;
  bench.ask();
  bench.accept();
  CHECK(bench.answer().error().code == ECONNRESET);
}

TEST_CASE("what is no answer is an error, told once", "[hostd]") {
  Bench bench;
  bench.ask();
  const auto peer = bench.accept();
  Bench::say(peer, "OK 17\r\n\r\n");
  CHECK_FALSE(bench.answer());
  bench.settle();
  CHECK(bench.answers.size() == 1);
}

TEST_CASE("calls that are cancelled are never answered", "[hostd]") {
  Bench bench;
  bench.ask();
  bench.ask(milliseconds(1));
  const auto peer = bench.accept();
  bench.calls.reset();
  static_cast<void>(::send(peer.get(), "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL));
  bool is_over = false;
  loop::Timer timer(bench.loop, [&] { is_over = true; });
  timer.arm(milliseconds(10));
  bench.run_until([&] { return is_over; });
  CHECK(bench.answers.empty());
}

TEST_CASE("an answer may destroy the calls it belongs to", "[hostd]") {
  Bench bench;
  ::unlink(bench.path.c_str());
  bool is_told = false;
  bench.calls->ask(bench.path, {}, seconds(1), [&](const Result<wire::Response>&) {
    bench.calls.reset();
    is_told = true;
  });
  bench.run_until([&] { return is_told; });
}

TEST_CASE("an answer that is followed is handed on as it comes, with the process that gives it", "[hostd]") {
  Bench bench;
  Follow follow(bench);
  const auto peer = bench.accept();
  Bench::say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  bench.run_until([&] { return follow.status == 200; });
  CHECK(follow.peer_pid == ::getpid());
  Bench::say(peer, "3\r\none\r\n");
  bench.run_until([&] { return follow.body == "one"; });
  CHECK(follow.ends == 0);
  Bench::say(peer, "5\r\nthree\r\n0\r\n\r\n");
  bench.run_until([&] { return follow.ends == 1; });
  CHECK(follow.body == "onethree");
  CHECK(follow.code == 0);
}

TEST_CASE("an answer that breaks off is told apart from one that is complete", "[hostd]") {
  Bench bench;
  Follow follow(bench);
  {
    const auto peer = bench.accept();
    Bench::say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  }
  bench.run_until([&] { return follow.ends == 1; });
  CHECK(follow.body == "one");
  CHECK(follow.code != 0);
}

TEST_CASE("the limit is for the head of an answer that is followed, not for its body", "[hostd]") {
  Bench bench;
  Follow silent(bench, milliseconds(10));
  bench.run_until([&] { return silent.ends == 1; });
  CHECK(silent.code == ETIMEDOUT);

  bench.accept();
  Follow quiet(bench, milliseconds(500));
  const auto peer = bench.accept();
  Bench::say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  bool is_over = false;
  loop::Timer timer(bench.loop, [&] { is_over = true; });
  timer.arm(milliseconds(600));
  bench.run_until([&] { return is_over; });
  CHECK(quiet.ends == 0);
}

TEST_CASE("the body of a refusal is not taken for what was to be followed", "[hostd]") {
  Bench bench;
  Follow follow(bench);
  const auto peer = bench.accept();
  Bench::say(peer, "HTTP/1.1 409 Conflict\r\nContent-Length: 3\r\n\r\nno!");
  bench.run_until([&] { return follow.ends == 1; });
  CHECK(follow.status == 409);
  CHECK(follow.body.empty());
}

TEST_CASE("who follows may leave from inside a callback", "[hostd]") {
  Bench bench;
  Follow follow(bench);
  follow.leave_after = "one";
  const auto peer = bench.accept();
  Bench::say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  bench.run_until([&] { return !follow.follow; });
  bench.settle();
  CHECK(follow.ends == 0);
}
