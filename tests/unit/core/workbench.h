// A workbench for the supervisor: a clock that the test moves, and a world that remembers what it was asked
// to do and answers only when told to.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "kestrel/core/supervisor.h"

namespace kestrel::core {

/// Models in a line or two: service("db"), job("migrate"), then .depends_on by index.
inline config::Service service(std::string name) {
  config::Service one;
  one.name = std::move(name);
  one.command.program = "/bin/" + one.name;
  one.restart.backoff.jitter = 0;
  return one;
}
inline config::Service job(std::string name) {
  auto one = service(std::move(name));
  one.kind = config::Kind::job;
  one.restart.policy = config::RestartPolicy::never;
  return one;
}
inline config::Service after(config::Service one, std::uint32_t on,
                             config::Condition condition = config::Condition::ready, bool restart = false,
                             bool required = true) {
  one.depends_on.push_back({on, condition, restart, required});
  return one;
}
inline config::Check http_check(std::string name = "http") {
  config::Check check;
  check.name = std::move(name);
  check.probe = config::HttpProbe{.port = 8080};
  return check;
}

class Workbench {
 public:
  explicit Workbench(config::Model model, NextDue next_due = {})
      : supervisor_(std::make_shared<const config::Model>(std::move(model)), 7, std::move(next_due)) {}
  explicit Workbench(std::vector<config::Service> services) : Workbench(with(std::move(services))) {}

  void begin() {
    supervisor_.begin(now());
    turn();
  }
  /// Time passes; what falls due on the way happens at its own moment.
  void pass(Duration duration) {
    const auto until = clock_ + duration;
    while (true) {
      const auto deadline = supervisor_.next_deadline();
      if (!deadline || *deadline > until) break;
      clock_ = std::max(clock_, *deadline);
      event(DeadlinePassed{});
    }
    clock_ = until;
  }
  /// The wall clock is set, which nobody tells; no time passes.
  void step_clock(milliseconds by) { stepped_ += by; }
  void event(const Event& event) {
    supervisor_.handle(event, now());
    turn();
  }
  Reply command(const Command& command) {
    auto reply = supervisor_.apply(command, now());
    turn();
    return reply;
  }

  // --- the processes -----------------------------------------------------------------------------------
  /// The run last spawned for a service.
  [[nodiscard]] RunId run_of(std::string_view name) const { return last_run_.at(id(name).value); }
  void exec(std::string_view name) {
    event(ProcessStarted{run_of(name), 1000 + static_cast<int>(run_of(name).value)});
  }
  void exit(std::string_view name, int code = 0) {
    event(ProcessExited{run_of(name), {.code = code}, false});
  }
  void die(std::string_view name, int signal) {
    event(ProcessExited{run_of(name), {.signal = signal}, false});
  }
  void fail_to_exec(std::string_view name, int error) {
    event(ProcessFailedToStart{run_of(name), "exec", "cannot execute it", error});
  }
  /// Everything that was spawned and not told yet gets its exec.
  void exec_all() {
    while (!unstarted_.empty()) {
      const auto run = unstarted_.front();
      unstarted_.erase(unstarted_.begin());
      event(ProcessStarted{run, 1000 + static_cast<int>(run.value)});
    }
  }
  void probe(CheckId check, bool is_ok, std::string message = {}) {
    event(ProbeFinished{check, last_probe_.at(check.value), is_ok, std::move(message)});
  }

  // --- what it shows ---------------------------------------------------------------------------------
  [[nodiscard]] ServiceId id(std::string_view name) const { return *supervisor_.find(name); }
  [[nodiscard]] ServiceView view(std::string_view name) const { return supervisor_.view(id(name), now()); }
  [[nodiscard]] StateName state(std::string_view name) const { return view(name).state; }
  [[nodiscard]] Supervisor& supervisor() { return supervisor_; }
  [[nodiscard]] Now now() const { return {clock_, WallTime(milliseconds(to_ms(clock_))) + stepped_}; }

  template <typename E>
  [[nodiscard]] std::vector<E> all() const {
    std::vector<E> out;
    for (const auto& effect : effects_) {
      if (const auto* one = std::get_if<E>(&effect)) out.push_back(*one);
    }
    return out;
  }
  [[nodiscard]] std::size_t spawned(std::string_view name) const {
    const auto spawns = all<SpawnProcess>();
    return static_cast<std::size_t>(std::count_if(spawns.begin(), spawns.end(), [&](const SpawnProcess& one) {
      return one.subject == Subject(id(name));
    }));
  }
  /// `service.ready api`, in order.
  [[nodiscard]] std::vector<std::string> notices() const {
    std::vector<std::string> out;
    for (const auto& one : all<Publish>()) {
      std::string line(type_name(one.notice.type));
      if (one.notice.service) line += " " + supervisor_.definition(*one.notice.service).name;
      out.push_back(std::move(line));
    }
    return out;
  }
  [[nodiscard]] bool noticed(std::string_view line) const {
    const auto all_notices = notices();
    return std::find(all_notices.begin(), all_notices.end(), line) != all_notices.end();
  }
  [[nodiscard]] std::optional<Outcome> outcome() const {
    const auto ends = all<Finish>();
    return ends.empty() ? std::nullopt : std::optional(ends.back().outcome);
  }
  /// What was asked for since the last call of forget().
  [[nodiscard]] const std::vector<Effect>& effects() const { return effects_; }
  void forget() { effects_.clear(); }

 private:
  static config::Model with(std::vector<config::Service> services) {
    config::Model model;
    model.services = std::move(services);
    return model;
  }
  void turn() {
    for (auto effects = supervisor_.take_effects(now()); !effects.empty();
         effects = supervisor_.take_effects(now())) {
      take(std::move(effects));
    }
  }
  void take(std::vector<Effect> effects) {
    for (auto& effect : effects) {
      if (const auto* spawn = std::get_if<SpawnProcess>(&effect)) {
        if (const auto* owner = std::get_if<ServiceId>(&spawn->subject)) {
          last_run_.resize(std::max<std::size_t>(last_run_.size(), owner->value + 1));
          last_run_[owner->value] = spawn->run;
        }
        unstarted_.push_back(spawn->run);
      }
      if (const auto* start = std::get_if<StartProbe>(&effect)) {
        last_probe_.resize(std::max<std::size_t>(last_probe_.size(), start->check.value + 1));
        last_probe_[start->check.value] = start->probe;
      }
      effects_.push_back(std::move(effect));
    }
  }

  Supervisor supervisor_;
  MonotonicTime clock_{seconds(1000)};
  milliseconds stepped_{};
  std::vector<Effect> effects_;
  std::vector<RunId> last_run_;
  std::vector<RunId> unstarted_;
  std::vector<ProbeId> last_probe_;
};

}  // namespace kestrel::core
