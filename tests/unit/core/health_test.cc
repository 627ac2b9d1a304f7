#include "kestrel/core/health.h"

#include <catch2/catch.hpp>

#include "tests/unit/core/workbench.h"

namespace kestrel::core {
namespace {

/// One check on a manual clock, whose probes end when the test says so.
class Patient {
 public:
  explicit Patient(config::Check definition) : definition_(std::move(definition)), check_(definition_) {
    check_.begin(clock_);
  }
  Patient(const Patient&) = delete;
  Patient& operator=(const Patient&) = delete;

  CheckStep deadline() {
    if (const auto at = check_.deadline()) clock_ = std::max(clock_, *at);
    return check_.handle_deadline(now(), ProbeId{++probes_});
  }
  CheckStep result(bool is_ok) {
    return check_.handle_result(*check_.probing(), is_ok, is_ok ? "" : "refused", now());
  }
  /// The next run with this result.
  CheckStep run(bool is_ok) {
    (void)deadline();
    return result(is_ok);
  }
  Duration until_next() const { return *check_.deadline() - clock_; }
  void pass(Duration time) { clock_ += time; }
  Now now() const { return {clock_, WallTime(milliseconds(0))}; }
  HealthCheck& check() { return check_; }

 private:
  config::Check definition_;
  MonotonicTime clock_{seconds(50)};
  HealthCheck check_;
  std::uint64_t probes_ = 0;
};

config::Check quick() {
  auto check = http_check();
  check.start_period = Duration::zero();
  return check;
}

TEST_CASE("the first success makes a check healthy and ends its start period", "[core]") {
  Patient patient(http_check());
  CHECK(patient.until_next() == Duration::zero());
  CHECK(patient.run(false).change == CheckStep::Change::none);
  CHECK(patient.until_next() == milliseconds(100));
  CHECK(patient.run(true).change == CheckStep::Change::became_healthy);
  CHECK(patient.until_next() == seconds(10));
}

TEST_CASE("failures within the start period count for nothing", "[core]") {
  Patient patient(http_check());
  for (int i = 0; i < 50; ++i) CHECK(patient.run(false).change == CheckStep::Change::none);
  CHECK(patient.check().view().failures == 0);
}

TEST_CASE("after the start period the threshold of failures makes a check unhealthy", "[core]") {
  Patient patient(http_check());
  patient.pass(seconds(31));
  CHECK(patient.run(false).change == CheckStep::Change::none);
  CHECK(patient.run(false).change == CheckStep::Change::none);
  CHECK(patient.run(false).change == CheckStep::Change::became_unhealthy);
  CHECK(patient.check().describe_failure() == "check 'http' failed 3 times: refused");
}

TEST_CASE("a streak of failures is told once however long it grows", "[core]") {
  Patient patient(quick());
  int told = 0;
  for (int i = 0; i < 10; ++i)
    told += patient.run(false).change == CheckStep::Change::became_unhealthy ? 1 : 0;
  CHECK(told == 1);
  CHECK(patient.check().view().failures == 10);
}

TEST_CASE("a success between failures starts the count afresh", "[core]") {
  Patient patient(quick());
  (void)patient.run(false);
  (void)patient.run(false);
  (void)patient.run(true);
  (void)patient.run(false);
  CHECK(patient.run(false).change == CheckStep::Change::none);
}

TEST_CASE("an unhealthy check needs its threshold of successes to be healthy again", "[core]") {
  auto definition = quick();
  definition.success_threshold = 2;
  Patient patient(definition);
  for (int i = 0; i < 3; ++i) (void)patient.run(false);
  CHECK(patient.run(true).change == CheckStep::Change::none);
  CHECK(patient.run(true).change == CheckStep::Change::became_healthy);
}

TEST_CASE("a probe beyond its time-out is cancelled and counts as a failure that says so", "[core]") {
  auto definition = quick();
  definition.failure_threshold = 1;
  Patient patient(definition);
  (void)patient.deadline();
  const auto late = patient.check().probing();
  const auto step = patient.deadline();
  CHECK(step.cancelled == late);
  CHECK(step.change == CheckStep::Change::became_unhealthy);
  CHECK(patient.check().view().last->message == "no result within 3s");
}

TEST_CASE("a result that comes after the time-out counts for nothing", "[core]") {
  Patient patient(quick());
  (void)patient.deadline();
  const auto late = *patient.check().probing();
  (void)patient.deadline();
  CHECK(patient.check().handle_result(late, true, "", patient.now()).change == CheckStep::Change::none);
  CHECK(patient.check().status() == Health::starting);
}

TEST_CASE("the interval runs from the end of one probe to the start of the next", "[core]") {
  Patient patient(quick());
  (void)patient.run(true);
  (void)patient.deadline();
  patient.pass(seconds(2));
  (void)patient.result(true);
  CHECK(patient.until_next() == seconds(10));
}

TEST_CASE("until its start period ends a check that never passed runs at the start interval", "[core]") {
  auto check = http_check();
  check.start_period = seconds(5);
  check.start_interval = seconds(1);
  Patient patient(check);
  (void)patient.run(false);
  CHECK(patient.until_next() == seconds(1));
  patient.pass(seconds(5));
  (void)patient.run(false);
  CHECK(patient.until_next() == seconds(10));
}

TEST_CASE("without a start period a check has the time of its intervals to pass", "[core]") {
  Patient patient(quick());
  (void)patient.run(false);
  CHECK(patient.until_next() == seconds(10));
  (void)patient.run(false);
  CHECK(patient.check().status() == Health::starting);
  CHECK(patient.run(false).change == CheckStep::Change::became_unhealthy);
}

TEST_CASE("a check that ends hands back the probe under way and has no deadline", "[core]") {
  Patient patient(quick());
  (void)patient.deadline();
  CHECK(patient.check().end() == ProbeId{1});
  CHECK(!patient.check().deadline());
}

}  // namespace
}  // namespace kestrel::core
