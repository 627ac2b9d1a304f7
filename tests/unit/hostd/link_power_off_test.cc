// The guest's link and the host's, the real ones on both sides, through many ends of guests: over a
// connection that breaks at any byte, while whoever reads the records is replaced again and again.
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "hostd/records/record_reader.h"
#include "hostd/runner/control_server.h"
#include "hostd/runner/guest_session.h"
#include "kestrel/app/link.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/stream.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;
using nlohmann::json;

namespace {

using Random = std::mt19937;

/// Passes bytes on, both ways, until it has passed on as many as it may; then it breaks both connections.
class BreakingCable {
 public:
  BreakingCable(loop::Loop& loop, sys::UniqueFd guest, sys::UniqueFd host, std::size_t bytes)
      : left_(bytes),
        guest_(loop, std::move(guest), callbacks(host_)),
        host_(loop, std::move(host), callbacks(guest_)) {
    guest_.start_reading();
    host_.start_reading();
  }

 private:
  loop::StreamCallbacks callbacks(loop::Stream& other) {
    return {.on_data =
                [this, &other](std::string_view bytes) {
                  const std::size_t passing = std::min(bytes.size(), left_);
                  left_ -= passing;
                  if (other.is_open() && passing > 0) other.write(std::string(bytes.substr(0, passing)));
                  if (left_ == 0) cut();
                },
            .on_end = [this](const Error*) { cut(); },
            .on_drained = {}};
  }
  /// What has passed arrives.
  void cut() {
    if (guest_.is_open()) guest_.close_after_flush();
    if (host_.is_open()) host_.close_after_flush();
  }

  std::size_t left_;
  loop::Stream guest_;
  loop::Stream host_;
};

/// Follows a VM's events; it can be cut off and goes on behind the last whole record it has seen.
class Reader {
 public:
  explicit Reader(std::string socket_path) : socket_path_(std::move(socket_path)) { connect(); }

  void restart() {
    socket_.reset();
    partial_.clear();
    connect();
  }
  void pull() {
    char buffer[1000];
    ssize_t count = 0;
    while ((count = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      partial_.append(buffer, static_cast<std::size_t>(count));
      take_lines();
    }
    has_ended = count == 0 || (errno != EAGAIN && errno != EINTR);
  }
  /// The runner is gone; what it has written is not.
  void read_files(const std::string& path) {
    RecordReader reader(path, 2, {last_, "", {}});
    for (std::string more = reader.read_some(); !more.empty(); more = reader.read_some()) {
      partial_ = more;
      take_lines();
    }
  }

  std::vector<json> seen;
  std::size_t gaps = 0;
  bool has_ended = false;

 private:
  void connect() {
    auto connected = sys::connect_unix(socket_path_);
    REQUIRE(connected);
    socket_ = std::move(*connected);
    const std::string request =
        concat("GET /v1/events?follow=1&after=", last_, " HTTP/1.1\r\nHost: vm\r\n\r\n");
    REQUIRE(::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(request.size()));
  }
  void take_lines() {
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view line = std::string_view(partial_).substr(begin, end - begin);
      if (line.starts_with("{\"gap\"")) ++gaps;
      if (seq_of(line) == 0) continue;
      last_ = seq_of(line);
      seen.push_back(json::parse(line));
    }
    partial_.erase(0, begin);
  }

  std::string socket_path_;
  sys::UniqueFd socket_;
  std::string partial_;
  std::uint64_t last_ = 0;
};

/// One guest from its boot to its end, and its host.
class Life : ControlTarget {
 public:
  Life(loop::Loop& loop, const TemporaryFolder& folder, int number, unsigned seed)
      : loop_(loop), random_(seed), status_(number % 256), path_(folder.file(concat("vm", number))) {
    auto dir = RuntimeDir::claim(path_);
    REQUIRE(dir);
    dir_ = std::move(*dir);
    REQUIRE(host_.open(dir_, {}, dir_.file("link")));
    REQUIRE(control_.listen(dir_.file("runner")));
    reader_.emplace(dir_.file("runner"));
    source_ = lines_.add_source("web", mebibytes(1));
    happen(1 + random_() % 20);
    guest_.open();
  }
  ~Life() override { dir_.remove(); }

  /// Called in every round of the loop.
  void live_on() {
    if (random_() % 4 == 0) reader_->pull();
    if (random_() % 16 == 0 && !is_finished_) reader_->restart();
    if (is_leaving_ || random_() % 8 != 0) return;
    happen(random_() % 10);
    is_leaving_ = true;
    guest_.close({.status = status_, .cause = "batch"}, {.patience = seconds(60), .limit = seconds(60)},
                 [this](bool is_acknowledged) { is_acknowledged_ = is_acknowledged; });
  }
  [[nodiscard]] bool is_over() {
    if (!is_acknowledged_ || !has_ended_) return false;
    reader_->pull();
    if (!is_finished_) control_.finish({});
    is_finished_ = true;
    if (reader_->has_ended) reader_->read_files(dir_.file(events_file));
    return reader_->has_ended;
  }
  /// Everything is there once, and in order: with the reader, and in the files.
  void check() const {
    CHECK(is_acknowledged_ == true);
    std::uint64_t seq = 0;
    std::uint64_t guest_seq = 0;
    std::vector<int> endings;
    bool is_orderly = reader_->gaps == 0;
    for (const json& record : reader_->seen) {
      is_orderly = is_orderly && record["seq"] == ++seq;
      if (record.contains("guest_seq")) is_orderly = is_orderly && record["guest_seq"] == ++guest_seq;
      if (record["type"] == "vm.exited") endings.push_back(record["status"].get<int>());
    }
    CHECK(is_orderly);
    CHECK(guest_seq == events_.last_seq());
    CHECK(endings == std::vector<int>{status_});
    CHECK(numbers_of_lines() == lines_.last_seq());
  }
  [[nodiscard]] int connections() const { return connections_; }

  // ControlTarget
  [[nodiscard]] std::string status_json() const override { return "{}"; }
  [[nodiscard]] const std::string& runtime_id() const override { return host_.runtime_id(); }
  Result<void> stop(StopRequested::Urgency) override { return {}; }
  void pause(PauseAnswer) override {}
  void resume(PauseAnswer) override {}
  RecordLog& logs() override { return host_.logs(); }
  RecordLog& events() override { return host_.events(); }

 private:
  GuestSessionCallbacks callbacks() {
    return {.on_hello = [] {},
            .on_refused = [](std::string_view reason) { FAIL(reason); },
            .on_callable = [] {},
            .on_event = [](const wire::EventMessage&) {},
            .on_log = [](const wire::LogMessage&) {},
            .on_lost_logs = [](std::uint64_t) { FAIL("lines were lost"); },
            .on_exiting =
                [this](const wire::Exiting&) {
                  has_ended_ = true;
                  host_.acknowledge_exiting();
                },
            .on_resumed = [](const wire::ResumedReport&) {},
            .on_lost = [] {}};
  }
  Result<sys::UniqueFd> dial() {
    ++connections_;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    auto host = sys::connect_unix(dir_.file("link"));
    REQUIRE(host);
    // From the first byte of the upgrade to the last one of the last acknowledgement.
    const bool breaks = connections_ <= 3;
    cables_.push_back(std::make_unique<BreakingCable>(loop_, sys::UniqueFd(ends[1]), std::move(*host),
                                                      breaks ? 1 + random_() % 6000 : std::string::npos));
    return sys::UniqueFd(ends[0]);
  }
  void happen(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      events_.append({sys::monotonic_now(), sys::wall_now()}, "service.ready", "web", "{}");
      lines_.push(source_, control::LogStream::standard_output, sys::wall_now(), "a line");
    }
  }
  [[nodiscard]] std::uint64_t numbers_of_lines() const {
    RecordReader reader(dir_.file(logs_file), 2, {});
    std::uint64_t last = 0;
    for (std::string more = reader.read_some(); !more.empty(); more = reader.read_some()) {
      for (const auto line : split(trim(more), '\n')) {
        if (json::parse(line)["guest_seq"] != ++last) return 0;
      }
    }
    return last;
  }

  loop::Loop& loop_;
  Random random_;
  int status_;
  std::string path_;
  RuntimeDir dir_;
  GuestSession host_{loop_, {}, callbacks()};
  ControlServer control_{loop_, *this};
  std::optional<Reader> reader_;

  control::EventJournal events_;
  control::LogRing lines_{mebibytes(1)};
  control::LogSource source_;
  std::vector<std::unique_ptr<BreakingCable>> cables_;
  int connections_ = 0;
  app::Link guest_{
      loop_,
      [this] { return dial(); },
      events_,
      lines_,
      {.make_hello = [] { return wire::Hello{.boot_id = "b"}; }, .on_welcome = [](const wire::Welcome&) {}}};
  bool is_leaving_ = false;
  bool has_ended_ = false;
  bool is_finished_ = false;
  std::optional<bool> is_acknowledged_;
};

/// Runs all of them side by side, to their ends.
void live(loop::Loop& loop, std::vector<std::unique_ptr<Life>>& lives) {
  bool is_too_late = false;
  loop::Timer limit(loop, [&] { is_too_late = true; });
  limit.arm(seconds(60));
  loop::Timer tick(loop, [&] { tick.arm(milliseconds(1)); });
  tick.arm(milliseconds(1));
  const auto is_over = [&] {
    bool all = true;
    for (auto& life : lives) all = life->is_over() && all;
    return all;
  };
  while (!is_over() && !is_too_late) {
    for (auto& life : lives) life->live_on();
    loop.run_once();
  }
  REQUIRE_FALSE(is_too_late);
}

}  // namespace

TEST_CASE("of 1000 power-offs each one's exit arrives once, however the link breaks and the reader changes",
          "[hostd]") {
  const TemporaryFolder folder;
  loop::Loop loop;
  int connections = 0;
  for (int batch = 0; batch < 40; ++batch) {
    std::vector<std::unique_ptr<Life>> lives;
    for (int i = 0; i < 25; ++i) {
      const int number = batch * 25 + i;
      lives.push_back(std::make_unique<Life>(loop, folder, number, static_cast<unsigned>(number)));
    }
    live(loop, lives);
    for (const auto& life : lives) {
      life->check();
      connections += life->connections();
    }
  }
  // Most of them had to be dialled again.
  CHECK(connections > 2000);
}
