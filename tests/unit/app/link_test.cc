#include "kestrel/app/link.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <deque>

#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"

namespace kestrel::app {
namespace {

/// A host made by hand: takes the connections that the link dials, and remembers what it was told.
class FakeHost {
 public:
  explicit FakeHost(Link::Timing timing = {})
      : link_(
            loop_, [this] { return accept(); }, events_, logs_, callbacks(), timing) {
    source_ = logs_.add_source("web", mebibytes(1));
  }

  Result<sys::UniqueFd> accept() {
    if (is_absent) return Error{"nobody is there", ECONNREFUSED};
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    ++connections;
    is_upgraded_ = false;
    reader_ = wire::RequestReader(kibibytes(16));
    lines_ = wire::LineReader();
    stream_ = loop::Stream(loop_, sys::UniqueFd(ends[1]),
                           {.on_data = [this](std::string_view bytes) { take(bytes); },
                            .on_end = [](const Error*) {},
                            .on_drained = {}});
    stream_.start_reading();
    return sys::UniqueFd(ends[0]);
  }

  template <typename Done>
  void until(Done done) {
    loop::Timer limit(loop_, [] { FAIL("waited in vain"); });
    limit.arm(seconds(20));
    while (!done()) loop_.run_once();
  }

  void say(const wire::HostMessage& message) { stream_.write(wire::encode(message)); }
  void hang_up() { stream_ = {}; }
  void stop_reading() { stream_.stop_reading(); }
  void say_bytes(std::string bytes) { stream_.write(std::move(bytes)); }

  template <typename T>
  [[nodiscard]] std::vector<T> all() const {
    std::vector<T> out;
    for (const auto& one : heard) {
      if (const auto* match = std::get_if<T>(&one)) out.push_back(*match);
    }
    return out;
  }
  void happen() {
    events_.append({MonotonicTime(seconds(1)), WallTime(seconds(1))}, {.type = core::NoticeType::vm_ready},
                   "");
  }
  void print(std::string_view line) {
    logs_.push(source_, control::LogStream::standard_output, WallTime(seconds(1)), line);
  }

  /// What is printed from now on must not be lost.
  void block() { source_ = logs_.add_source("api", kibibytes(16), control::WhenFull::keep_untaken); }
  [[nodiscard]] bool has_room() const { return logs_.has_room(source_); }
  [[nodiscard]] std::uint64_t printed() const { return logs_.last_seq(); }
  void wait(Duration duration) {
    bool is_over = false;
    loop::Timer timer(loop_, [&] { is_over = true; });
    timer.arm(duration);
    while (!is_over) loop_.run_once();
  }

  Link& link() { return link_; }
  bool is_absent = false;
  bool greets = true;
  bool acknowledges = true;
  bool upgrades = true;
  int connections = 0;
  std::vector<wire::GuestMessage> heard;
  std::vector<wire::Welcome> welcomes;
  wire::Welcome welcome{.token = "t", .hostname = "h"};

 private:
  Link::Callbacks callbacks() {
    return {.make_hello = [] { return wire::Hello{.boot_id = "b"}; },
            .on_welcome = [this](const wire::Welcome& one) { welcomes.push_back(one); },
            .on_resumed =
                [](const wire::Resumed& one) {
                  return wire::ResumedReport{.clock_error_ns = -one.paused_ms * 1'000'000,
                                             .is_clock_set = true};
                }};
  }

  void take(std::string_view bytes) {
    std::string rest(bytes);
    if (!is_upgraded_) {
      const auto request = reader_.feed(bytes);
      REQUIRE(request);
      if (!*request) return;
      CHECK((*request)->target == "/v1/link");
      if (!upgrades) return;
      is_upgraded_ = true;
      rest = reader_.take_rest();
      stream_.write(wire::serialize(
          wire::Response{.status = 101, .headers = {{"Upgrade", "kestrel-link/1"}}, .body = {}}));
    }
    for (const auto& line : lines_.feed(rest).value()) hear(*wire::decode_guest_message(line).value());
  }

  void hear(wire::GuestMessage message) {
    heard.push_back(message);
    if (std::holds_alternative<wire::Hello>(message) && greets) say(welcome);
    if (!acknowledges) return;
    if (const auto* event = std::get_if<wire::EventMessage>(&message)) ack_.events = event->seq;
    if (const auto* log = std::get_if<wire::LogMessage>(&message)) ack_.logs = log->seq;
    if (std::holds_alternative<wire::Exiting>(message)) ack_.exiting = true;
    say(ack_);
  }

  loop::Loop loop_;
  control::EventJournal events_;
  control::LogRing logs_{mebibytes(1)};
  control::LogSource source_;
  loop::Stream stream_;
  wire::RequestReader reader_{kibibytes(16)};
  wire::LineReader lines_;
  bool is_upgraded_ = false;
  wire::Ack ack_;
  Link link_;
};

TEST_CASE("the guest says hello and takes the welcome", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return !host.welcomes.empty(); });
  CHECK(host.all<wire::Hello>().at(0).boot_id == "b");
  CHECK(host.welcomes[0] == host.welcome);
  CHECK(host.link().is_up());
}

TEST_CASE("events and lines reach the host in order and are acknowledged", "[app]") {
  FakeHost host;
  host.happen();
  host.print("early");
  host.link().open();
  host.until([&] { return host.all<wire::LogMessage>().size() == 1; });
  host.print("late");
  host.until([&] { return host.link().unacknowledged() == 0; });
  CHECK(host.all<wire::EventMessage>().size() == 1);
  CHECK(host.all<wire::LogMessage>().at(0).line == "early");
  CHECK(host.all<wire::LogMessage>().at(1).line == "late");
}

TEST_CASE("a link that is lost is dialled again, and what was not acknowledged is sent again", "[app]") {
  FakeHost host;
  host.acknowledges = false;
  host.link().open();
  host.print("one");
  host.until([&] { return host.all<wire::LogMessage>().size() == 1; });
  host.hang_up();
  host.acknowledges = true;
  host.until([&] { return host.link().unacknowledged() == 0; });
  CHECK(host.connections == 2);
  CHECK(host.all<wire::Hello>().size() == 2);
  CHECK(host.all<wire::LogMessage>().at(1).line == "one");
}

TEST_CASE("what was acknowledged is not sent again", "[app]") {
  FakeHost host;
  host.link().open();
  host.print("one");
  host.until([&] { return host.link().unacknowledged() == 0 && !host.all<wire::LogMessage>().empty(); });
  host.hang_up();
  host.until([&] { return host.connections == 2 && host.link().is_up(); });
  host.print("two");
  host.until([&] { return host.link().unacknowledged() == 0; });
  CHECK(host.all<wire::LogMessage>().size() == 2);
  CHECK(host.all<wire::LogMessage>().back().line == "two");
}

TEST_CASE("what the ring has dropped is told as a gap", "[app]") {
  FakeHost host;
  for (int i = 0; i < 200'000; ++i)
    host.print("a line that fills the ring, number after number, over and over again");
  host.link().open();
  host.until([&] { return host.link().unacknowledged() == 0; });
  const auto gaps = host.all<wire::Gap>();
  REQUIRE(!gaps.empty());
  const auto lines = host.all<wire::LogMessage>();
  CHECK(gaps[0].first == 1);
  CHECK(lines.at(0).seq == gaps[0].last + 1);
  CHECK(lines.back().seq == 200'000);
}

TEST_CASE("the last word follows everything else and is acknowledged", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.print("famous last words");
  std::optional<bool> is_acknowledged;
  host.link().close({.status = 7, .cause = "batch"}, {.patience = seconds(10)},
                    [&](bool ok) { is_acknowledged = ok; });
  host.until([&] { return is_acknowledged.has_value(); });
  CHECK(*is_acknowledged);
  CHECK(std::get<wire::Exiting>(host.heard.back()).status == 7);
  CHECK(std::holds_alternative<wire::LogMessage>(host.heard[host.heard.size() - 2]));
}

TEST_CASE("a host that does not acknowledge the last word does not hold up the end", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.acknowledges = false;
  std::optional<bool> is_acknowledged;
  host.link().close({}, {.patience = milliseconds(20)}, [&](bool ok) { is_acknowledged = ok; });
  host.until([&] { return is_acknowledged.has_value(); });
  CHECK(!*is_acknowledged);
}

TEST_CASE("a host that gets on slowly is waited for longer than one that says nothing", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.acknowledges = false;
  for (int i = 0; i < 10; ++i) host.print("line");
  host.until([&] { return host.all<wire::LogMessage>().size() == 10; });
  constexpr Duration patience = milliseconds(200);
  std::optional<bool> is_acknowledged;
  host.link().close({}, {.patience = patience}, [&](bool ok) { is_acknowledged = ok; });
  Duration longest_silence{};
  for (std::uint64_t line = 1; line <= 10; ++line) {
    const auto before = sys::monotonic_now();
    host.wait(patience / 4);
    host.say(wire::Ack{.logs = line});
    host.wait(Duration::zero());
    longest_silence = std::max(longest_silence, sys::monotonic_now() - before);
  }
  // Where the machine itself stood still, nothing can be told.
  if (longest_silence < patience / 2) CHECK(!is_acknowledged);
  host.until([&] { return is_acknowledged.has_value(); });
  CHECK(is_acknowledged == false);
}

TEST_CASE("a host that gets on for ever is not waited for for ever", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.acknowledges = false;
  for (int i = 0; i < 1000; ++i) host.print("line");
  host.until([&] { return host.all<wire::LogMessage>().size() == 1000; });
  std::optional<bool> is_acknowledged;
  host.link().close({}, {.patience = seconds(10), .limit = milliseconds(50)},
                    [&](bool ok) { is_acknowledged = ok; });
  for (std::uint64_t line = 1; !is_acknowledged && line < 1000; ++line) {
    host.wait(milliseconds(5));
    if (!is_acknowledged) host.say(wire::Ack{.logs = line});
  }
  CHECK(is_acknowledged == false);
}

TEST_CASE("lines that the host has acknowledged are taken", "[app]") {
  FakeHost host;
  host.block();
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.acknowledges = false;
  while (host.has_room()) host.print("a line of a service that must not lose any");
  const auto printed = host.printed();
  host.until([&] { return host.all<wire::LogMessage>().size() == printed; });
  CHECK(!host.has_room());
  host.say(wire::Ack{.logs = printed});
  host.until([&] { return host.has_room(); });
}

TEST_CASE("a last word that was cut off is said again on the next connection", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.acknowledges = false;
  std::optional<bool> is_acknowledged;
  host.link().close({}, {.patience = seconds(10)}, [&](bool ok) { is_acknowledged = ok; });
  host.until([&] { return host.all<wire::Exiting>().size() == 1; });
  host.hang_up();
  host.acknowledges = true;
  host.until([&] { return is_acknowledged.has_value(); });
  CHECK(*is_acknowledged);
}

TEST_CASE("an acknowledgement of what was never sent is not believed", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  wire::Ack wild{.events = 1'000'000, .logs = 1'000'000};
  host.say(wild);
  host.print("still sent");
  host.until([&] { return host.all<wire::LogMessage>().size() == 1; });
  CHECK(host.connections == 1);
}

constexpr Link::Timing impatient{
    .greeting = milliseconds(20), .silence = milliseconds(20), .slowest_retry = milliseconds(50)};

TEST_CASE("a host that accepts and stays silent is given up, and dialled again", "[app]") {
  FakeHost host(impatient);
  const bool upgrades = GENERATE(false, true);
  host.upgrades = upgrades;
  host.greets = false;
  host.link().open();
  host.until([&] { return host.connections == 3; });
  host.upgrades = host.greets = true;
  host.until([&] { return host.link().is_up(); });
}

TEST_CASE("a host that falls silent while it owes an acknowledgement is given up, and told again", "[app]") {
  FakeHost host(impatient);
  host.acknowledges = false;
  host.link().open();
  host.print("one");
  host.until([&] { return host.connections == 2; });
  host.acknowledges = true;
  host.until([&] { return host.link().unacknowledged() == 0; });
  CHECK(host.all<wire::LogMessage>().back().line == "one");
}

TEST_CASE("a host that owes nothing may be silent for as long as it likes", "[app]") {
  FakeHost host(impatient);
  host.link().open();
  host.print("one");
  host.until([&] { return host.link().unacknowledged() == 0 && !host.all<wire::LogMessage>().empty(); });
  host.wait(impatient.silence * 5);
  CHECK(host.connections == 1);
  CHECK(host.link().is_up());
}

TEST_CASE("a host that never reads costs a bounded queue, whatever is printed", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.stop_reading();
  std::size_t most = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 1000; ++i) host.print("a line that nobody at the other end of the link reads");
    host.wait(milliseconds(1));
    most = std::max(most, host.link().queued_bytes());
  }
  CHECK(most > 0);
  CHECK(most < 512 * 1024);
}

TEST_CASE("what a host says that is no message ends the connection, not the guest", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.say_bytes(GENERATE(std::string("garbage\n"), std::string(300'000, 'x'), std::string("[1]\n"),
                          std::string("{\"type\":\"ack\",\"events\":\"x\"}\n")));
  host.until([&] { return host.connections == 2 && host.link().is_up(); });
}

TEST_CASE("a host that chooses a protocol nobody offered is not followed", "[app]") {
  FakeHost host;
  const int chosen = GENERATE(0, wire::protocol + 1);
  host.welcome.protocol = chosen;
  host.link().open();
  host.until([&] { return host.connections == 2; });
  CHECK(host.welcomes.empty());
}

TEST_CASE("a ping is answered where an answer is awaited", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.say(wire::Ping{});
  host.say(wire::Ping{.id = 7});
  host.until([&] { return !host.all<wire::Pong>().empty(); });
  CHECK(host.all<wire::Pong>() == std::vector<wire::Pong>{{7}});
}

TEST_CASE("the news of a standstill is answered with what was made of it", "[app]") {
  FakeHost host;
  host.link().open();
  host.until([&] { return host.link().is_up(); });
  host.say(wire::Resumed{.id = 3, .time_ns = 1, .paused_ms = 2000});
  host.until([&] { return !host.all<wire::ResumedReport>().empty(); });
  CHECK(host.all<wire::ResumedReport>().at(0) ==
        wire::ResumedReport{.id = 3, .clock_error_ns = -2'000'000'000, .is_clock_set = true});
}

}  // namespace
}  // namespace kestrel::app
