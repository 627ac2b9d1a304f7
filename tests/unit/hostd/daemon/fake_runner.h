// A VM's runner as hostd sees it, in the test's own process: it holds the lock of the VM's folder, answers at
// runner.sock, and records what the test tells it. Destroying it is its death, which leaves the folder as it
// is.
#pragma once

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/runner/control_server.h"
#include "hostd/runner/handoff.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

class FakeRunner final : public ControlTarget {
 public:
  FakeRunner(loop::Loop& loop, const std::string& runtime_dir, std::string id = "run-1")
      : runtime_id_(std::move(id)), server_(loop, *this), handoff_(loop, [this](sys::UniqueFd fd, auto port) {
          taken.push_back({std::move(fd), port});
        }) {
    auto claimed = RuntimeDir::claim(runtime_dir);
    REQUIRE(claimed);
    dir_ = std::move(*claimed);
    REQUIRE(dir_.write(runtime_id_file, runtime_id_));
    for (auto* log : {&logs_, &events_}) {
      auto opened = RecordLog::open(dir_.file(log == &logs_ ? logs_file : events_file), {});
      REQUIRE(opened);
      *log = std::move(*opened);
    }
    REQUIRE(server_.listen(dir_.file(runner_socket)));
    REQUIRE(handoff_.listen(dir_.file(handoff_socket)));
  }

  /// `time` comes by itself.
  void tell(std::string_view members) {
    REQUIRE(events_.append(concat("\"time\":\"2026-01-02T03:04:05.678Z\",", members)));
  }
  void become(std::string_view now) {
    state = now;
    tell(concat("\"type\":\"vm.", now, '"'));
  }
  void end(const Outcome& outcome) {
    const std::string text = to_json(outcome);
    tell(concat("\"type\":\"vm.stopped\",", std::string_view(text).substr(1, text.size() - 2)));
    server_.finish(outcome);
  }

  [[nodiscard]] std::string status_json() const override {
    return concat(R"({"name":"vm","runtime_id":")", runtime_id_, R"(","state":")", state, R"(","pid":)", 4242,
                  R"(,"vmm":{"pid":4243,"accel":"tcg"},"link":"up","boot":[{"step":"vm","at_ms":0}],)",
                  R"("ports":[{"address":"127.0.0.1","host":8080,"guest":80}],)",
                  R"("guest":{"version":"1"},"vsock":{"connections":1}})");
  }
  [[nodiscard]] const std::string& runtime_id() const override { return runtime_id_; }
  Result<void> stop(StopRequested::Urgency urgency) override {
    stops.push_back(urgency);
    return {};
  }
  void pause(PauseAnswer answer) override { answer(std::string(R"({"state":"paused"})")); }
  void resume(PauseAnswer answer) override { answer(Error{"it is booting", EBUSY}); }
  [[nodiscard]] RecordLog& logs() override { return logs_; }
  [[nodiscard]] RecordLog& events() override { return events_; }
  [[nodiscard]] const std::string& folder() const { return dir_.path(); }

  struct Taken {
    sys::UniqueFd connection;
    std::uint16_t guest_port;
  };
  std::string state = "healthy";
  std::vector<StopRequested::Urgency> stops;
  std::vector<Taken> taken;

 private:
  std::string runtime_id_;
  RuntimeDir dir_;
  RecordLog logs_;
  RecordLog events_;
  ControlServer server_;
  HandoffServer handoff_;
};

}  // namespace kestrel::hostd
