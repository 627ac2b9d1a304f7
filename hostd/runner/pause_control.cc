#include "hostd/runner/pause_control.h"

#include <cerrno>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// QEMU does both in milliseconds unless its main loop hangs.
constexpr Duration monitor_time = seconds(10);
/// A guest that has just been let go answers when its event loop comes round.
constexpr Duration guest_time = seconds(5);

void answer_all(std::vector<PauseAnswer>& waiting, const Result<std::string>& result) {
  for (const PauseAnswer& answer : std::exchange(waiting, {})) answer(result);
}

Error not_now(std::string_view verb, const State& state) {
  return Error{concat("cannot ", verb, " it: it is ", name_of(state)), EBUSY};
}

double milliseconds_in(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

}  // namespace

PauseControl::PauseControl(loop::Loop& loop, Monitor monitor)
    : loop_(loop),
      monitor_(std::move(monitor)),
      monitor_limit_(loop, [this] { give_up("QEMU does not answer"); }),
      guest_limit_(loop, [this] { answer_resumed(std::nullopt); }) {}

void PauseControl::pause(const State& state, PauseAnswer answer) {
  const auto* running = std::get_if<Running>(&state);
  if (running == nullptr) return answer(not_now("pause", state));
  if (running->paused_at) return answer(describe({}, std::nullopt));
  pausing_.push_back(std::move(answer));
  monitor_limit_.arm(monitor_time);
  monitor_.pause();
}

void PauseControl::resume(const State& state, PauseAnswer answer) {
  const auto* running = std::get_if<Running>(&state);
  if (running == nullptr) return answer(not_now("resume", state));
  if (!running->paused_at) return answer(describe({}, std::nullopt));
  resuming_.push_back(std::move(answer));
  monitor_limit_.arm(monitor_time);
  monitor_.resume();
}

void PauseControl::paused() {
  monitor_limit_.disarm();
  answer_all(pausing_, describe({}, std::nullopt));
}

void PauseControl::resumed(Duration paused) {
  monitor_limit_.disarm();
  paused_ = paused;
  resumed_at_ = loop_.now();
  if (!monitor_.tell_guest(++id_, paused)) return answer_resumed(std::nullopt);
  guest_limit_.arm(guest_time);
}

void PauseControl::guest_reported(const wire::ResumedReport& report) {
  if (report.id == id_) answer_resumed(Report{report, loop_.now() - resumed_at_});
}

void PauseControl::answer_resumed(const std::optional<Report>& report) {
  guest_limit_.disarm();
  answer_all(resuming_, describe(paused_, report));
}

void PauseControl::give_up(std::string_view reason) {
  monitor_limit_.disarm();
  guest_limit_.disarm();
  answer_all(pausing_, Error{std::string(reason), ETIMEDOUT});
  answer_all(resuming_, Error{std::string(reason), ETIMEDOUT});
}

std::string PauseControl::describe(Duration paused, const std::optional<Report>& report) const {
  json out = {{"state", monitor_.state_name()}, {"paused_ms", to_ms(paused)}, {"guest", nullptr}};
  if (report) {
    out["guest"] = {{"clock_error_ms", milliseconds_in(report->guest.clock_error_ns)},
                    {"clock_set", report->guest.is_clock_set},
                    {"took_ms", milliseconds_in(report->guest.took_us * 1000)},
                    {"after_ms", to_ms(report->after)}};
  }
  return out.dump();
}

}  // namespace kestrel::hostd
