#include "hostd/runner/publisher.h"

#include <catch2/catch.hpp>

#include "hostd/runner/guest_request.h"
#include "hostd/runner/preambles.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;
using Verdict = vsock::PreambleStep::Verdict;

namespace {

/// Remembers who was to be joined; nobody is.
struct FakeDialer final : GuestDialer {
  struct Call {
    std::uint32_t port;
    sys::UniqueFd host;
    vsock::Preamble preamble;
    std::function<void(Result<void>)> done;
  };
  void connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
               std::function<void(Result<void>)> done) override {
    calls.push_back({port, std::move(host), std::move(preamble), std::move(done)});
  }
  std::vector<Call> calls;
};

struct Bench : LoopBench {
  FakeDialer dialer;
  std::optional<std::string> token = "secret";
  Publisher publisher{loop, dialer, [this] { return token; }};
};

}  // namespace

TEST_CASE("a published port's connection becomes a tunnel to the guest's loopback", "[hostd]") {
  Bench bench;
  REQUIRE(bench.publisher.publish({"127.0.0.1", 0, 8080}));
  const auto client = sys::connect_tcp("127.0.0.1", bench.publisher.ports().at(0).host);
  REQUIRE(client);
  bench.run_until([&] { return bench.dialer.calls.size() == 1; });
  CHECK(bench.dialer.calls[0].port == 1024);
  CHECK(bench.dialer.calls[0].preamble.to_guest ==
        "CONNECT 127.0.0.1:8080 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer secret\r\n\r\n");
}

TEST_CASE("before the guest is up a published port closes connections", "[hostd]") {
  Bench bench;
  bench.token.reset();
  REQUIRE(bench.publisher.publish({"127.0.0.1", 0, 8080}));
  const auto client = sys::connect_tcp("127.0.0.1", bench.publisher.ports().at(0).host);
  REQUIRE(client);
  Inbox inbox(client->get());
  bench.run_until([&] { return inbox.pull(); });
  CHECK(bench.dialer.calls.empty());
}

TEST_CASE("who connects while the guest stands still is joined when it goes on", "[hostd]") {
  Bench bench;
  REQUIRE(bench.publisher.publish({"127.0.0.1", 0, 8080}));
  bench.publisher.hold();
  const auto client = sys::connect_tcp("127.0.0.1", bench.publisher.ports().at(0).host);
  REQUIRE(client);
  for (int round = 0; round < 4; ++round) {
    bool has_turned = false;
    bench.loop.post([&] { has_turned = true; });
    bench.run_until([&] { return has_turned; });
  }
  CHECK(bench.dialer.calls.empty());
  bench.publisher.let_in();
  bench.run_until([&] { return bench.dialer.calls.size() == 1; });
  CHECK(bench.dialer.calls[0].host.is_open());
}

TEST_CASE("a port that is taken is told as such", "[hostd]") {
  Bench bench;
  REQUIRE(bench.publisher.publish({"127.0.0.1", 0, 8080}));
  const std::uint16_t taken = bench.publisher.ports().at(0).host;
  const auto second = bench.publisher.publish({"127.0.0.1", taken, 8081});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == EADDRINUSE);
  CHECK(second.error().message.starts_with(concat("cannot publish 127.0.0.1:", taken, ":8081: ")));
}

TEST_CASE("api.sock's connections wait for the guest, and then have a session", "[hostd]") {
  Bench bench;
  const TemporaryFolder folder;
  bench.token.reset();
  REQUIRE(bench.publisher.publish_api(folder.file("api.sock")));
  const auto early = sys::connect_unix(folder.file("api.sock"));
  REQUIRE(early);
  int rounds = 0;
  bench.run_until([&] { return ++rounds > 20; });
  CHECK(bench.dialer.calls.empty());
  bench.token = "late";
  bench.publisher.guest_came_up();
  REQUIRE(bench.dialer.calls.size() == 1);
  CHECK(bench.dialer.calls[0].preamble.to_guest ==
        "GET /v1/session HTTP/1.1\r\nHost: vm\r\nAuthorization: Bearer late\r\n\r\n");
}

TEST_CASE("a preamble's answer is read in any pieces, and takes no more than its own", "[hostd]") {
  const std::string answer = "HTTP/1.1 200 Connection Established\r\nX: y\r\n\r\n";
  for (std::size_t length = 0; length < answer.size(); ++length) {
    CHECK(read_answer(answer.substr(0, length), 200).verdict == Verdict::more);
  }
  const auto step = read_answer(answer + "first bytes", 200);
  CHECK(step.verdict == Verdict::join);
  CHECK(step.consumed == answer.size());
}

TEST_CASE("another answer than the awaited refuses the connection, and says what it was", "[hostd]") {
  const auto refused = read_answer("HTTP/1.1 502 Bad Gateway\r\n\r\n", 200);
  CHECK(refused.verdict == Verdict::refuse);
  CHECK(refused.reason == "the guest's API answered 502 Bad Gateway");
  CHECK(read_answer("\r\n\r\n", 200).verdict == Verdict::refuse);
  CHECK(read_answer("SSH-2.0-x\r\n\r\n", 200).verdict == Verdict::refuse);
  CHECK(read_answer("HTTP/1.1 2000 x\r\n\r\n", 204).verdict == Verdict::refuse);
}

TEST_CASE("a request to the guest is sent once it is joined, and its answer told", "[hostd]") {
  Bench bench;
  wire::Request request;
  request.method = "POST";
  request.target = "/v1/power";
  std::optional<Result<wire::Response>> answer;
  const GuestRequest pending(bench.loop, bench.dialer, "secret", request, seconds(5),
                             [&](Result<wire::Response> told) { answer = std::move(told); });
  REQUIRE(bench.dialer.calls.size() == 1);
  auto& call = bench.dialer.calls[0];
  Inbox guest(call.host.get());
  bench.run_until([&] { return guest.has("POST /v1/power HTTP/1.1\r\n"); });
  call.done({});
  SECTION("an answer") {
    const std::string text = wire::serialize(wire::json_response(202, "{}"));
    REQUIRE(::send(call.host.get(), text.data(), text.size(), 0) > 0);
    bench.run_until([&] { return answer.has_value(); });
    REQUIRE(*answer);
    CHECK((*answer)->status == 202);
  }
  SECTION("the guest goes away") {
    call.host.reset();
    bench.run_until([&] { return answer.has_value(); });
    CHECK(answer->error().code == ECONNRESET);
  }
}

TEST_CASE("a request that cannot be joined ends with that reason, and a cancelled one with nothing",
          "[hostd]") {
  Bench bench;
  int told = 0;
  const auto make = [&] {
    return std::make_unique<GuestRequest>(bench.loop, bench.dialer, "", wire::Request{}, seconds(5),
                                          [&](const Result<wire::Response>& answer) {
                                            ++told;
                                            CHECK(answer.error().message == "refused");
                                          });
  };
  auto refused = make();
  bench.dialer.calls.at(0).done(Error{"refused"});
  CHECK(told == 1);
  auto cancelled = make();
  cancelled.reset();
  bench.dialer.calls.at(1).done(Error{"refused"});
  CHECK(told == 1);
}

TEST_CASE("a request to a silent guest ends at its limit", "[hostd]") {
  Bench bench;
  std::optional<int> code;
  const GuestRequest pending(bench.loop, bench.dialer, "", wire::Request{}, milliseconds(5),
                             [&](const Result<wire::Response>& answer) { code = answer.error().code; });
  bench.run_until([&] { return code.has_value(); });
  CHECK(code == ETIMEDOUT);
}
