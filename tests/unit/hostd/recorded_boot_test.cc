// A runner that is killed between a record and its acknowledgement, and the next one, to which the guest
// tells it all again.
#include "hostd/link/recorded_boot.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "hostd/records/record_reader.h"
#include "hostd/runner/guest_session.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

namespace kestrel::hostd {
namespace {

using nlohmann::json;

wire::EventMessage event(std::uint64_t seq) { return {.seq = seq, .type = "service.ready", .data = "{}"}; }
wire::LogMessage line(std::uint64_t seq) {
  return {.seq = seq, .service = "web", .stream = "stdout", .line = "x"};
}

/// Runners of one guest, one after the other, in one folder.
struct Bench : LoopBench {
  Bench() {
    auto adopted = RuntimeDir::adopt(folder.file("vm"));
    REQUIRE(adopted);
    dir = std::move(*adopted);
    begin_runner();
  }
  void begin_runner() {
    session.reset();
    session =
        std::make_unique<GuestSession>(loop, GuestIdentity{},
                                       GuestSessionCallbacks{.on_hello = [] {},
                                                             .on_refused = [](std::string_view) {},
                                                             .on_callable = [] {},
                                                             .on_event = [](const wire::EventMessage&) {},
                                                             .on_log = [](const wire::LogMessage&) {},
                                                             .on_lost_logs = [](std::uint64_t) {},
                                                             .on_exiting = [](const wire::Exiting&) {},
                                                             .on_resumed = [](const wire::ResumedReport&) {},
                                                             .on_lost = [] {}});
    REQUIRE(session->open(dir, {}, dir.file("link")));
    session->recall_boot();
  }
  /// The guest dials and tells all of that; returns when it has been acknowledged up to there.
  void tell(std::string boot_id, const std::vector<wire::GuestMessage>& messages,
            std::string_view acknowledged) {
    auto guest = sys::connect_unix(dir.file("link"));
    REQUIRE(guest);
    std::string text = "GET /v1/link HTTP/1.1\r\nUpgrade: kestrel-link/1\r\n\r\n";
    text += wire::encode(wire::Hello{.boot_id = std::move(boot_id)});
    for (const auto& message : messages) text += wire::encode(message);
    REQUIRE(::send(guest->get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
    Inbox inbox(guest->get());
    run_until([&] { return inbox.has(acknowledged); });
  }
  [[nodiscard]] std::vector<std::uint64_t> recorded(std::string_view file) const {
    std::vector<std::uint64_t> seqs;
    RecordReader reader(dir.file(file), 2, {});
    for (std::string more = reader.read_some(); !more.empty(); more = reader.read_some()) {
      for (const auto one : split(trim(more), '\n')) {
        if (const json record = json::parse(one); record.contains("guest_seq"))
          seqs.push_back(record["guest_seq"]);
      }
    }
    return seqs;
  }
  [[nodiscard]] std::size_t endings() const {
    const std::string text = folder.read("vm/events.ndjson");
    std::size_t count = 0;
    for (auto at = text.find("vm.exited"); at != std::string::npos; at = text.find("vm.exited", at + 1))
      ++count;
    return count;
  }

  TemporaryFolder folder;
  RuntimeDir dir;
  std::unique_ptr<GuestSession> session;
};

using Seqs = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("what a runner had recorded before it was killed, the next one does not record again", "[hostd]") {
  Bench bench;
  bench.tell("b", {event(1), event(2), line(1)}, R"("events":2,"logs":1)");
  bench.begin_runner();
  bench.tell("b", {event(1), event(2), event(3), line(1), line(2)}, R"("events":3,"logs":2)");
  CHECK(bench.recorded(events_file) == Seqs{1, 2, 3});
  CHECK(bench.recorded(logs_file) == Seqs{1, 2});
}

TEST_CASE("what the guest had dropped by then is not told as a gap again", "[hostd]") {
  Bench bench;
  const wire::Gap gap{wire::Gap::Of::logs, 1, 40};
  bench.tell("b", {event(1), gap, line(41)}, R"("logs":41)");
  bench.begin_runner();
  bench.tell("b", {event(1), gap, line(41), line(42)}, R"("logs":42)");
  CHECK(bench.recorded(logs_file) == Seqs{41, 42});
  const auto text = bench.folder.read("vm/logs.ndjson");
  CHECK(text.find("\"gap\"") == text.rfind("\"gap\""));
}

TEST_CASE("another boot's numbers begin anew, whatever was recorded of the one before", "[hostd]") {
  Bench bench;
  bench.tell("b", {event(1), event(2), line(1), line(2)}, R"("events":2,"logs":2)");
  bench.begin_runner();
  bench.tell("c", {event(1), line(1)}, R"("events":1,"logs":1)");
  CHECK(bench.recorded(events_file) == Seqs{1, 2, 1});
  CHECK(bench.recorded(logs_file) == Seqs{1, 2, 1});
  // The runner after that knows which lines are whose.
  bench.begin_runner();
  bench.tell("c", {event(1), line(1), line(2)}, R"("events":1,"logs":2)");
  CHECK(bench.recorded(logs_file) == Seqs{1, 2, 1, 2});
}

TEST_CASE("a last word that was recorded is not recorded again", "[hostd]") {
  Bench bench;
  const wire::Exiting word{.status = 3, .cause = "batch"};
  bench.tell("b", {event(1), word}, R"("events":1)");
  bench.run_until([&] { return bench.endings() == 1; });
  bench.begin_runner();
  bench.tell("b", {event(1), word, event(2)}, R"("events":2)");
  CHECK(bench.endings() == 1);
}

}  // namespace kestrel::hostd
