#include "hostd/runner/relay_dialer.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "hostd/runner/preambles.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/stream.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A VMM's socket, and a caller with one end of a pair.
struct Bench : LoopBench {
  Bench() {
    auto socket = sys::listen_unix(folder.file("v"), 0600);
    REQUIRE(socket);
    listener = loop::Listener(loop, std::move(*socket), [this](sys::UniqueFd accepted) {
      vmm = loop::Stream(loop, std::move(accepted),
                         {.on_data = [this](std::string_view bytes) { heard.append(bytes); },
                          .on_end = [this](const Error*) { has_vmm_seen_end = true; },
                          .on_drained = {}});
      vmm.start_reading();
    });
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    caller = sys::UniqueFd(ends[0]);
    given = sys::UniqueFd(ends[1]);
    inbox.emplace(caller.get());
  }
  void dial(vsock::Preamble preamble = {}) {
    dialer.connect(1024, std::move(given), std::move(preamble),
                   [this](Result<void> done) { result = done ? "joined" : done.error().message; });
  }
  void hear(std::string_view text) {
    run_until([&] { return heard.find(text) != std::string::npos; });
  }
  void expect(std::string_view outcome) {
    run_until([&] { return !result.empty(); });
    CHECK(result == outcome);
  }

  TemporaryFolder folder;
  loop::Listener listener;
  loop::Stream vmm;
  std::string heard;
  bool has_vmm_seen_end = false;
  sys::UniqueFd caller;
  sys::UniqueFd given;
  std::optional<Inbox> inbox;
  std::string result;
  RelayDialer dialer{loop, hybrid_way(folder.file("v")), milliseconds(50)};
};

}  // namespace

TEST_CASE("a caller is joined to the port once the guest has let it in", "[hostd]") {
  Bench bench;
  bench.dial(session_preamble("secret"));
  bench.hear("CONNECT 1024\n");
  CHECK(bench.heard == "CONNECT 1024\n");
  bench.vmm.write("OK 10");
  bench.vmm.write("73\n");
  bench.hear("Authorization: Bearer secret\r\n\r\n");
  bench.vmm.write("HTTP/1.1 204 No Content\r\n\r\nfirst bytes");
  bench.expect("joined");
  bench.run_until([&] { return bench.inbox->text() == "first bytes" || bench.inbox->pull(); });
  CHECK(bench.inbox->text() == "first bytes");
  REQUIRE(::send(bench.caller.get(), "question", 8, 0) == 8);
  bench.hear("question");
  // Each direction has an end of its own.
  ::shutdown(bench.caller.get(), SHUT_WR);
  bench.run_until([&] { return bench.has_vmm_seen_end; });
  bench.vmm.write("answer");
  bench.run_until([&] { return bench.inbox->has("answer"); });
  bench.vmm = {};
  bench.run_until([&] { return bench.dialer.connections() == 0; });
}

TEST_CASE("a VMM that does not answer, or not as agreed, is an error in bounded time", "[hostd]") {
  Bench bench;
  SECTION("it is not there") {
    bench.listener = {};
    bench.dial();
    bench.run_until([&] { return bench.result.starts_with("cannot connect to the guest: "); });
  }
  SECTION("it says nothing") {
    bench.dial();
    bench.expect("cannot connect to the guest: it does not answer");
  }
  SECTION("it closes") {
    bench.dial();
    bench.hear("CONNECT");
    bench.vmm = {};
    bench.expect("cannot connect to the guest: nobody listens there");
  }
  SECTION("it says something else") {
    bench.dial();
    bench.hear("CONNECT");
    bench.vmm.write("ERROR\n");
    bench.expect("cannot connect to the guest: it answered ERROR");
  }
  SECTION("it never ends its line") {
    bench.dial();
    bench.hear("CONNECT");
    bench.vmm.write(std::string(1000, 'O'));
    bench.run_until([&] { return bench.result.starts_with("cannot connect to the guest: it answered OOO"); });
  }
  SECTION("the guest refuses") {
    bench.dial(session_preamble("wrong"));
    bench.hear("CONNECT");
    bench.vmm.write("OK 1\n");
    bench.hear("wrong");
    bench.vmm.write("HTTP/1.1 401 Unauthorized\r\n\r\n");
    bench.expect("cannot connect to the guest: the guest's API answered 401 Unauthorized");
  }
  SECTION("the guest says nothing") {
    bench.dial(session_preamble("secret"));
    bench.hear("CONNECT");
    bench.vmm.write("OK 1\n");
    bench.expect("cannot connect to the guest: it does not answer");
  }
  SECTION("the guest's answer has no end") {
    bench.dial(session_preamble("secret"));
    bench.hear("CONNECT");
    bench.vmm.write("OK 1\nHTTP/1.1 204 No Content\r\n" + std::string(20'000, 'x'));
    bench.expect("cannot connect to the guest: its answer has no end");
  }
  bench.run_until([&] { return bench.inbox->pull(); });
  CHECK(bench.dialer.connections() == 0);
}
