#include "kestrel/core/restart_policy.h"

#include <catch2/catch.hpp>

#include "tests/unit/core/workbench.h"

namespace kestrel::core {
namespace {

constexpr MonotonicTime now{seconds(100)};

AfterEnd decide(const config::Service& service, EndedRun run) {
  RestartHistory history;
  return decide_after_end(service, run, history, now, 0);
}

config::Service with_policy(config::RestartPolicy policy) {
  auto one = service("api");
  one.restart.policy = policy;
  return one;
}

TEST_CASE("each restart policy answers a good and a bad end in its own way", "[core]") {
  using config::RestartPolicy;
  struct Row {
    RestartPolicy policy;
    int code;
    bool again;
  };
  const auto row = GENERATE(Row{RestartPolicy::always, 0, true}, Row{RestartPolicy::always, 1, true},
                            Row{RestartPolicy::on_failure, 0, false}, Row{RestartPolicy::on_failure, 1, true},
                            Row{RestartPolicy::never, 0, false}, Row{RestartPolicy::never, 1, false});
  const auto decision = decide(with_policy(row.policy), {.exit = {.code = row.code}});
  CHECK(std::holds_alternative<StartAgain>(decision) == row.again);
  if (!row.again) CHECK(std::holds_alternative<Complete>(decision) == (row.code == 0));
}

TEST_CASE("an exit that says configuration error is final whatever the policy", "[core]") {
  const int code = GENERATE(78, 126, 127);
  CHECK(std::holds_alternative<Fail>(decide(service("api"), {.exit = {.code = code}})));
}

TEST_CASE("the delay grows by the factor up to the maximum", "[core]") {
  config::Backoff backoff{.initial = milliseconds(100), .factor = 2, .max = seconds(1), .jitter = 0};
  std::vector<std::int64_t> delays;
  for (std::uint32_t failures = 0; failures <= 6; ++failures)
    delays.push_back(to_ms(backoff_delay(backoff, failures, 0)));
  CHECK(delays == std::vector<std::int64_t>{0, 100, 200, 400, 800, 1000, 1000});
}

TEST_CASE("jitter spreads a delay by its share to both sides and never beyond the maximum", "[core]") {
  config::Backoff backoff{.initial = milliseconds(100), .factor = 2, .max = milliseconds(105), .jitter = 0.1};
  CHECK(to_ms(backoff_delay(backoff, 1, -1)) == 90);
  CHECK(to_ms(backoff_delay(backoff, 1, 1)) == 105);
}

TEST_CASE("thousands of failures in a row do not overflow the delay", "[core]") {
  CHECK(backoff_delay(config::Backoff{}, 100'000, 1) == seconds(30));
}

TEST_CASE("after a long uptime the first restart is immediate and the failures before it are forgotten",
          "[core]") {
  const auto api = service("api");
  RestartHistory history{.failures = 9, .restarts = {}};
  const auto decision = decide_after_end(api, {.exit = {.code = 1}, .uptime = seconds(10)}, history, now, 0);
  CHECK(std::get<StartAgain>(decision).delay == Duration::zero());
  const auto next = decide_after_end(api, {.exit = {.code = 1}, .uptime = seconds(1)}, history, now, 0);
  CHECK(std::get<StartAgain>(next).delay == milliseconds(100));
}

TEST_CASE("a budget of restarts is never exceeded within its window", "[core]") {
  auto api = service("api");
  api.restart.max_restarts = 2;
  api.restart.window = seconds(60);
  RestartHistory history;
  const EndedRun crash{.exit = {.signal = 11}};
  CHECK(std::holds_alternative<StartAgain>(decide_after_end(api, crash, history, now, 0)));
  CHECK(std::holds_alternative<StartAgain>(decide_after_end(api, crash, history, now + seconds(30), 0)));
  const auto third = decide_after_end(api, crash, history, now + seconds(59), 0);
  CHECK(std::get<Fail>(third).reason == "gave up after 2 restarts within 1m; last: killed by SIGSEGV");
  CHECK(std::holds_alternative<StartAgain>(decide_after_end(api, crash, history, now + seconds(60), 0)));
}

TEST_CASE("on_exit overrides the restart policy for the end it names", "[core]") {
  auto api = service("api");
  api.on_exit.success = config::ExitAction::ignore;
  api.on_exit.failure = config::ExitAction::shutdown;
  CHECK(std::holds_alternative<Complete>(decide(api, {.exit = {.code = 0}})));
  CHECK(std::holds_alternative<ShutDownGuest>(decide(api, {.exit = {.code = 3}})));
}

TEST_CASE("a listed exit code counts as success", "[core]") {
  auto one = job("backup");
  one.success_exit_codes = {0, 24};
  CHECK(std::holds_alternative<Complete>(decide(one, {.exit = {.code = 24}})));
}

TEST_CASE("an unhealthy service that ends with status 0 still counts as failed", "[core]") {
  const auto decision = decide(service("api"), {.cause = StopCause::unhealthy, .exit = {.code = 0}});
  CHECK(std::get<StartAgain>(decision) == StartAgain{milliseconds(100), "unhealthy"});
}

TEST_CASE("a status seen from outside is the code, or 128 and the signal", "[core]") {
  CHECK(shell_status({.code = 7}) == 7);
  CHECK(shell_status({.signal = 9}) == 137);
}

}  // namespace
}  // namespace kestrel::core
