#include "hostd/runner/pause_control.h"

#include <catch2/catch.hpp>

#include "tests/unit/hostd/loop_bench.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// QEMU and a guest that remember what they were asked, and answer when the test says so.
struct Bench : LoopBench {
  PauseControl::Monitor monitor() {
    return {.pause = [this] { asked.emplace_back("pause"); },
            .resume = [this] { asked.emplace_back("resume"); },
            .state_name = [] { return std::string_view("healthy"); },
            .tell_guest =
                [this](std::uint64_t id, Duration) {
                  told = id;
                  return can_be_told;
                }};
  }
  PauseAnswer note() {
    return [this](const Result<std::string>& result) {
      answers.push_back(result ? *result : result.error().message);
    };
  }
  std::vector<std::string> asked;
  std::vector<std::string> answers;
  std::uint64_t told = 0;
  bool can_be_told = true;
  PauseControl control{loop, monitor()};
};

State running() { return Running{}; }
State paused() {
  Running state;
  state.paused_at = MonotonicTime(seconds(1));
  return state;
}

}  // namespace

TEST_CASE("a pause is answered when QEMU has paused, to all who asked", "[hostd]") {
  Bench bench;
  bench.control.pause(running(), bench.note());
  bench.control.pause(running(), bench.note());
  CHECK(bench.answers.empty());
  bench.control.paused();
  CHECK(bench.answers.size() == 2);
}

TEST_CASE("a resume is answered with what the guest has made of it", "[hostd]") {
  Bench bench;
  bench.control.resume(paused(), bench.note());
  CHECK(bench.asked == std::vector<std::string>{"resume"});
  bench.control.resumed(seconds(3));
  CHECK(bench.answers.empty());
  bench.control.guest_reported({.id = bench.told + 1});
  CHECK(bench.answers.empty());
  bench.control.guest_reported(
      {.id = bench.told, .clock_error_ns = -3'000'000'000, .is_clock_set = true, .took_us = 500});
  REQUIRE(bench.answers.size() == 1);
  CHECK(bench.answers[0].find(R"("clock_error_ms":-3000.0,"clock_set":true,"took_ms":0.5)") !=
        std::string::npos);
  CHECK(bench.answers[0].find(R"("paused_ms":3000,"state":"healthy")") != std::string::npos);
}

TEST_CASE("a guest that cannot be told is not waited for", "[hostd]") {
  Bench bench;
  bench.can_be_told = false;
  bench.control.resume(paused(), bench.note());
  bench.control.resumed(seconds(3));
  CHECK(bench.answers == std::vector<std::string>{R"({"guest":null,"paused_ms":3000,"state":"healthy"})"});
}

TEST_CASE("pausing what is paused and resuming what runs changes nothing", "[hostd]") {
  Bench bench;
  bench.control.pause(paused(), bench.note());
  bench.control.resume(running(), bench.note());
  CHECK(bench.answers.size() == 2);
  CHECK(bench.asked.empty());
}

TEST_CASE("what does not run can be neither paused nor resumed", "[hostd]") {
  Bench bench;
  bench.control.pause(Booting{}, bench.note());
  bench.control.resume(Ended{}, bench.note());
  CHECK(bench.answers ==
        std::vector<std::string>{"cannot pause it: it is booting", "cannot resume it: it is ended"});
}

TEST_CASE("nobody waits for a VM that has ended", "[hostd]") {
  Bench bench;
  bench.control.pause(running(), bench.note());
  bench.control.resume(paused(), bench.note());
  bench.control.give_up("the VM has ended");
  CHECK(bench.answers == std::vector<std::string>{"the VM has ended", "the VM has ended"});
}
