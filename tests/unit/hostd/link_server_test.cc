#include "hostd/link/link_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

constexpr std::string_view upgrade =
    "GET /v1/link HTTP/1.1\r\nHost: host\r\nConnection: Upgrade\r\nUpgrade: kestrel-link/1\r\n\r\n";

/// A host's end with a memory of what it was told, and as many fake guests as a test makes.
struct Bench : LoopBench {
  Bench() { REQUIRE(server.listen(folder.file("link"))); }

  LinkCallbacks callbacks() {
    LinkCallbacks all;
    all.on_hello = [this](const wire::Hello& hello) -> Result<wire::Welcome> {
      told.push_back("hello " + hello.boot_id);
      if (hello.boot_id == "refused") return Error{"not you"};
      wire::Welcome welcome;
      welcome.protocol = std::min(wire::protocol, hello.protocol);
      welcome.token = "secret";
      return welcome;
    };
    all.on_event = [this](const wire::EventMessage& event) {
      told.push_back(concat(event.type, ' ', event.seq));
    };
    all.on_log = [this](const wire::LogMessage& log) { told.push_back(concat("log ", log.seq)); };
    all.on_gap = [this](const wire::Gap& gap) { told.push_back(concat("gap ", gap.first, '-', gap.last)); };
    all.on_exiting = [this](const wire::Exiting& word) { told.push_back(concat("exiting ", word.status)); };
    all.on_resumed = [this](const wire::ResumedReport& report) {
      told.push_back(concat("resumed ", report.id));
    };
    all.on_lost = [this](std::string_view) { told.emplace_back("lost"); };
    return all;
  }
  TemporaryFolder folder;
  std::vector<std::string> told;
  LinkTiming timing{.handshake = seconds(10), .pong = milliseconds(30)};
  LinkServer server{loop, callbacks(), timing};
};

class FakeGuest {
 public:
  explicit FakeGuest(Bench& bench) : bench_(bench) {
    auto socket = sys::connect_unix(bench.folder.file("link"));
    REQUIRE(socket);
    socket_ = std::move(*socket);
  }
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count > 0) {
        text.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno == EAGAIN) {
        bench_.loop.run_once();
      } else {
        return;
      }
    }
  }
  void send(const wire::GuestMessage& message) { send(wire::encode(message)); }
  void hello(std::string boot_id = "boot", int protocol = wire::protocol) {
    send(upgrade);
    wire::Hello hello;
    hello.protocol = protocol;
    hello.boot_id = std::move(boot_id);
    send(wire::GuestMessage(hello));
  }
  /// Waits until what has been received contains `part`.
  void expect(std::string_view part) {
    bench_.run_until([&] {
      pull();
      return received_.find(part) != std::string::npos;
    });
    received_.clear();
  }
  void expect_closed() {
    bench_.run_until([&] {
      pull();
      return is_closed_;
    });
  }
  void close() { socket_.reset(); }

 private:
  void pull() {
    char buffer[4096];
    ssize_t count = 0;
    while ((count = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) is_closed_ = true;
  }

  Bench& bench_;
  sys::UniqueFd socket_;
  std::string received_;
  bool is_closed_ = false;
};

wire::GuestMessage event(std::uint64_t seq, std::string type = "vm.ready") {
  wire::EventMessage message;
  message.seq = seq;
  message.type = std::move(type);
  message.data = "{}";
  return message;
}
wire::GuestMessage log_line(std::uint64_t seq) {
  wire::LogMessage message;
  message.seq = seq;
  message.service = "a";
  message.stream = "stdout";
  message.line = "x";
  return message;
}

}  // namespace

TEST_CASE("a guest that says hello is welcomed with its token", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  guest.expect("\"token\":\"secret\"");
  CHECK(bench.server.is_linked());
}

TEST_CASE("what the guest tells is acknowledged up to its number", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  guest.expect("secret");
  guest.send(event(1));
  guest.send(log_line(1));
  guest.send(log_line(2));
  guest.expect("\"logs\":2");
  CHECK(bench.told == std::vector<std::string>{"hello boot", "vm.ready 1", "log 1", "log 2"});
}

TEST_CASE("a guest that dials again is heard once, and acknowledged again", "[hostd]") {
  Bench bench;
  {
    FakeGuest guest(bench);
    guest.hello();
    guest.send(event(1));
    guest.expect("\"events\":1");
  }
  FakeGuest again(bench);
  bench.run_until([&] { return !bench.server.is_linked(); });
  again.hello();
  again.send(event(1));
  again.send(event(2));
  again.expect("\"events\":2");
  CHECK(bench.told ==
        std::vector<std::string>{"hello boot", "vm.ready 1", "lost", "hello boot", "vm.ready 2"});
}

TEST_CASE("another boot begins its numbers anew", "[hostd]") {
  Bench bench;
  {
    FakeGuest guest(bench);
    guest.hello("first");
    guest.send(event(1));
    guest.expect("\"events\":1");
  }
  bench.run_until([&] { return !bench.server.is_linked(); });
  FakeGuest next(bench);
  next.hello("second");
  next.send(event(1));
  next.expect("\"events\":1");
  CHECK(bench.told.back() == "vm.ready 1");
  CHECK(bench.told.size() == 5);
}

TEST_CASE("a gap counts as received", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  wire::Gap gap;
  gap.first = 1;
  gap.last = 9;
  guest.send(wire::GuestMessage(gap));
  guest.expect("\"logs\":9");
  CHECK(bench.told.back() == "gap 1-9");
}

TEST_CASE("the last word is acknowledged when the host says so, and stays acknowledged", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  guest.send(wire::GuestMessage(wire::Exiting{}));
  bench.run_until([&] { return !bench.told.empty() && bench.told.back() == "exiting 0"; });
  bench.server.acknowledge_exiting();
  guest.expect("\"exiting\":true");
  guest.send(log_line(1));
  guest.expect("\"exiting\":true");
}

TEST_CASE("while a link stands nobody can take its place", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  guest.expect("secret");
  FakeGuest thief(bench);
  thief.hello("thief");
  thief.expect("409");
  thief.expect_closed();
  CHECK(bench.server.is_linked());
  CHECK(bench.told == std::vector<std::string>{"hello boot"});
}

TEST_CASE("of two that asked for the upgrade, the first to say hello has the link", "[hostd]") {
  Bench bench;
  FakeGuest first(bench);
  FakeGuest second(bench);
  first.send(upgrade);
  first.expect("101");
  second.send(upgrade);
  second.expect("101");
  const std::string hello = wire::encode(wire::GuestMessage(wire::Hello{}));
  second.send(hello);
  second.expect("secret");
  first.send(hello);
  first.expect_closed();
  CHECK(bench.server.is_linked());
}

TEST_CASE("a guest that the host refuses loses its link", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello("refused");
  guest.send(event(1));
  guest.expect_closed();
  CHECK_FALSE(bench.server.is_linked());
  CHECK(bench.told == std::vector<std::string>{"hello refused"});
}

TEST_CASE("whatever is no link is closed, and the next guest is welcome", "[hostd]") {
  Bench bench;
  const std::string garbage = GENERATE(
      std::string("\x00\x01\x02\xff\n\n", 6), std::string("GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n"),
      std::string("GET /v1/link HTTP/1.1\r\nHost: x\r\n\r\n"),
      concat("GET /v1/link HTTP/1.1\r\nX: ", std::string(100'000, 'x'), "\r\n\r\n"),
      concat(upgrade, "not json\n"), concat(upgrade, "{\"type\":\"event\",\"seq\":1}\n"),
      concat(upgrade, std::string(300'000, 'x')), concat(upgrade, "[1,2,3]\n"), concat(upgrade, "{}\n"));
  FakeGuest hostile(bench);
  hostile.send(garbage);
  hostile.expect_closed();
  FakeGuest guest(bench);
  guest.hello();
  guest.expect("secret");
}

TEST_CASE("garbage behind a hello ends the link, not the host", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  guest.expect("secret");
  const std::string garbage =
      GENERATE(std::string("garbage\n"), std::string(300'000, '{'),
               std::string("{\"type\":\"hello\",\"protocol\":1,\"boot_id\":\"x\"}\n"));
  guest.send(garbage);
  guest.expect_closed();
  CHECK(bench.told.back() == "lost");
}

TEST_CASE("messages of a later protocol are skipped", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  guest.send("{\"type\":\"from-the-future\",\"seq\":9}\n");
  guest.send(event(1));
  guest.expect("\"events\":1");
}

TEST_CASE("connections that say nothing are bounded, and make room when they go", "[hostd]") {
  Bench bench;
  std::vector<std::unique_ptr<FakeGuest>> silent;
  for (int i = 0; i < 30; ++i) silent.push_back(std::make_unique<FakeGuest>(bench));
  silent.back()->expect_closed();
  silent.clear();
  int rounds = 0;
  bench.run_until([&] { return ++rounds > 100; });
  FakeGuest guest(bench);
  guest.hello();
  guest.expect("secret");
}

TEST_CASE("a guest that reads nothing gets one acknowledgement, not thousands", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  for (std::uint64_t seq = 1; seq <= 20'000; ++seq) guest.send(log_line(seq));
  bench.run_until([&] { return bench.told.size() == 20'001; });
  guest.expect("\"logs\":20000");
}

TEST_CASE("a link that shows no sign of life when another wants its place loses it", "[hostd]") {
  Bench bench;
  FakeGuest dead(bench);
  dead.hello();
  dead.expect("secret");
  FakeGuest first_try(bench);
  first_try.hello();
  first_try.expect("409");
  dead.expect("\"type\":\"ping\"");
  bench.run_until([&] { return !bench.server.is_linked(); });
  dead.expect_closed();
  FakeGuest second_try(bench);
  second_try.hello();
  second_try.expect("secret");
  CHECK(bench.told == std::vector<std::string>{"hello boot", "lost", "hello boot"});
}

TEST_CASE("a link that lives keeps its place however often another wants it", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello();
  guest.expect("secret");
  for (int i = 0; i < 3; ++i) {
    FakeGuest thief(bench);
    thief.hello("thief");
    thief.expect("409");
    guest.expect("\"type\":\"ping\"");
    guest.send(wire::GuestMessage(wire::Pong{.id = 1}));
    thief.expect_closed();
  }
  bool is_over = false;
  loop::Timer longer_than_a_pong_may_take(bench.loop, [&] { is_over = true; });
  longer_than_a_pong_may_take.arm(bench.timing.pong * 3);
  bench.run_until([&] { return is_over; });
  CHECK(bench.server.is_linked());
}

TEST_CASE("a guest of protocol 1 is neither pinged nor told that it stood still", "[hostd]") {
  Bench bench;
  FakeGuest guest(bench);
  guest.hello("boot", 1);
  guest.expect("\"protocol\":1");
  FakeGuest other(bench);
  other.hello();
  other.expect("409");
  CHECK_FALSE(bench.server.send(wire::Resumed{}));
  guest.send(event(1));
  guest.expect("\"events\":1");
  CHECK(bench.server.is_linked());
}

TEST_CASE("a guest is told that it stood still, and its report is passed on", "[hostd]") {
  Bench bench;
  CHECK_FALSE(bench.server.send(wire::Resumed{}));
  FakeGuest guest(bench);
  guest.hello();
  guest.expect("secret");
  CHECK(bench.server.send(wire::Resumed{.id = 5, .paused_ms = 3000}));
  guest.expect("\"paused_ms\":3000");
  guest.send(wire::GuestMessage(wire::ResumedReport{.id = 5}));
  bench.run_until([&] { return bench.told.back() == "resumed 5"; });
}

TEST_CASE("a connection that does not say hello in time makes room", "[hostd]") {
  Bench bench;
  LinkServer impatient(bench.loop, bench.callbacks(), {.handshake = milliseconds(20)});
  REQUIRE(impatient.listen(bench.folder.file("other")));
  const auto begun = GENERATE(std::string(), std::string(upgrade.substr(0, 20)), std::string(upgrade),
                              concat(upgrade, "{\"type\":\"hello\",\"protocol\""));
  auto socket = sys::connect_unix(bench.folder.file("other"));
  REQUIRE(socket);
  REQUIRE(::send(socket->get(), begun.data(), begun.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(begun.size()));
  Inbox inbox(socket->get());
  bench.run_until([&] { return inbox.pull(); });
  CHECK(bench.told.empty());
}

TEST_CASE("a message that breaks off half-way counts for nothing, and is taken when it comes whole",
          "[hostd]") {
  Bench bench;
  const std::string whole = wire::encode(event(1));
  for (std::size_t length = 1; length < whole.size(); length += 7) {
    FakeGuest guest(bench);
    guest.hello();
    guest.expect("secret");
    guest.send(std::string_view(whole).substr(0, length));
    guest.close();
    bench.run_until([&] { return !bench.server.is_linked(); });
  }
  FakeGuest guest(bench);
  guest.hello();
  guest.send(whole);
  guest.expect("\"events\":1");
  CHECK(bench.told.back() == "vm.ready 1");
}
